"""What rules would have done over a stretch of history: values, comparisons, scores, and their words."""
