"""May this output leave? Automatic disclosure checks, and the people who decide."""
