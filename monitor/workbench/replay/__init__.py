"""Rules on history: readings fetched once and kept on disk, judged for whole ranges, and paged by the daemon's code."""
