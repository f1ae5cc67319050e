"""What is known of expressions from public facts: scope, value ranges, finite domains, widths and limits."""
