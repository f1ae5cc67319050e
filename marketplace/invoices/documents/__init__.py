"""Documents of an invoice: PDF, CSV, and the fields that a tax system asks for. Pure but for the reading."""
