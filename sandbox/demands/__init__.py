"""需求清单: which data analysts ask for that the catalogue has not, and what departments answer."""
