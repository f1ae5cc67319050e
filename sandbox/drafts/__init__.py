"""From an officer's file to a policy: uploads, what is suggested for them, and drafts that are saved."""
