"""The pages of the portal: each file is the pages of one noun, HTTP only."""
