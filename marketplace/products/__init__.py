"""Products: rows of open data and private queries, with their price and terms."""
