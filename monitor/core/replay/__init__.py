"""What rules would have done over a stretch of history: as values, compared, scored against known incidents, in words."""
