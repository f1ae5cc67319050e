"""Service accounts: a company's programs, which get short-lived tokens for their client credentials."""
