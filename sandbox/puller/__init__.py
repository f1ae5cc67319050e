"""The puller: a process of its own that holds the sources' secrets, and nothing of the vault's."""
