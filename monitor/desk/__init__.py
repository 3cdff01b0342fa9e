"""Where every decision becomes durable, in one transaction."""
