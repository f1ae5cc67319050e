"""From a question to a plan: binding, weights, totals, their price and their digest."""
