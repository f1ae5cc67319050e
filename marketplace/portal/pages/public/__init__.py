"""Pages for people without an account. What they show comes from the vault's public views and from what is on
offer; nothing here has a person's rights."""
