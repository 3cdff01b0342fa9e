"""What the monitor sees of a rollback for itself: changes, versions, checks, the deploy gate."""
