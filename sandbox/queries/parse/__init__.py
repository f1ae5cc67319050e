"""From SQL text to a question: clauses, sources, expressions and windows, all of them on an allow-list."""
