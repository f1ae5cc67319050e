"""Companies that end: notice, the end of keys and licences, the export of what they bought."""
