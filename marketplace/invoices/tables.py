"""Tables of invoices."""
