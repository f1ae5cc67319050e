"""Watermarks of files: whose copy was found."""
