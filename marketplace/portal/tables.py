"""Tables of portal."""
