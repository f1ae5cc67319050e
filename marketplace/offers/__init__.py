"""Offers: dated price documents and short licence terms; what a licence freezes."""
