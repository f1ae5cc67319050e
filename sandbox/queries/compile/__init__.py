"""From a plan to the SQL of an engine, over rows as they are laid out for questions."""
