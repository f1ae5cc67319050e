"""The HTTP parts that every service shares: request ids, one form of log line, health, metrics."""
