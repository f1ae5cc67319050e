"""One inbox for each person: what was told them, what of it they may see, what they read, and mails of it."""
