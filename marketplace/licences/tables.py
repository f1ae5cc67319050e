"""Tables of licences."""
