"""The marketplace sells what the sandbox governs: products, orders, licences, keys, metered delivery,
invoices."""
