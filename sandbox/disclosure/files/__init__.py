"""Opens files: recognises the kind by the content, and reads what is inside."""
