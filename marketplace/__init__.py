"""What the sandbox governs, the marketplace sells:
products, orders, licences, keys, metered delivery, invoices."""
