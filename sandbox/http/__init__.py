"""What every service has of HTTP, whatever it serves: request ids, one form of log line, health, metrics."""
