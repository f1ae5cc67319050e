"""Bills: sums of usage lines that buyer and seller see alike."""
