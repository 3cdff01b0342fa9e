"""What goes round in the daemon: each job with its ticks, where its work is done, and what it tells of it."""
