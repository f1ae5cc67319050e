"""Does a model give away whom it learned from? Pure parts; the vault runs them."""
