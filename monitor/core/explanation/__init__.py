"""Why an alert fires or does not, what would have to change, and what time will do."""
