"""The process that goes round: ticks, threads, connections, supervision, and going on without the database."""
