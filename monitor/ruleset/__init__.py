"""The rules in force: taken from disk, taken over, compared, exported."""
