"""What an organiser has before and beside a competition: texts that are being written, and counts."""
