"""Numbers of orders, licences, keys and payments that say nothing of how many there are."""
