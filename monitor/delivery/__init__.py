"""What is owed to Slack and the other pagers, and how it gets there."""
