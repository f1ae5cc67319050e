"""Keys: secrets that programs show, stored as hashes; the verdict on each."""
