"""What operators do with the service as a whole: health, maintenance, announcements, records of backups."""
