"""What pages of competitions are made of: the vault's operations, what is shown, and the organiser's form."""
