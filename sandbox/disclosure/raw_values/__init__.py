"""Is a value or a row of the raw data in a text? Answered with keyed digests alone."""
