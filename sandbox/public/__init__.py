"""What anybody may know without an account: the listed part of the catalogue, the demand list, the log."""
