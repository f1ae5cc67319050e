"""Passwords cost little where a test hashes or checks them in its own process: a login would be a quarter
of a second of work. It is the same function; a service in a process of its own does the whole work.
"""

from argon2 import PasswordHasher

from sandbox.identity import passwords

FULL = passwords.HASHER

passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
