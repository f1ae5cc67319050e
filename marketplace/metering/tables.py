"""Tables of metering."""
