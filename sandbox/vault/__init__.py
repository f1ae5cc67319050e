"""The vault: the governed service, with its settings, its migrations and its entry point."""
