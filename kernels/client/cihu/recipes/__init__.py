"""Computes recipes: outputs whose protection is measured where they are computed.

    python -m cihu.recipes plan.json

The vault runs this in a seal of its own beside a sealed run, on raw rows; a trial runs it on stand-in rows.
The plan (sandbox/jobs/recipes/plan.py) was made from what a team wrote before any raw row was read, and holds
the rules of the rows' grade. No code of an analyst runs here.

Each recipe leaves its released file, and `<name>.counts.csv` with the exact counts behind it, for reviewers.
"""

AUTHORS = "column-"
"""Columns that the program computed lie beside the inputs as `column-<name>.parquet`, one number a row."""
