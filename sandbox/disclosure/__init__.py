"""Output checks: from files, their declarations and a table of raw values to findings.
It knows no review, database or HTTP."""
