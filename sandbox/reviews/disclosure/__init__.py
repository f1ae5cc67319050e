"""What is this file, and what does it disclose? Checks that no person makes: pure code, and policies/disclosure.yaml."""
