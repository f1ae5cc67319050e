"""The safe-researcher course: its test, and training certificates that expire."""
