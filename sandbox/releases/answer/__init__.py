"""From noisy totals to an answer: values, intervals, windows over released groups, and bounding bias."""
