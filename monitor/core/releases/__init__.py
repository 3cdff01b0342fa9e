"""What runs, what changed, and where to go back to."""
