"""Running the service: maintenance, announcements, backups and the health of every part."""
