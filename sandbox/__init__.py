"""The governed side of Cihu: approved people use raw data without ever seeing it.

Read the folders in this order; each may import only those before it:
database, storage, audit, identity, privacy, policy, catalog, grants, budgets, queries, engines,
releases, seals, hub, then the vault service (settings, app), the one-machine city and the command line.
"""
