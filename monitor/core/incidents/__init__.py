"""What happened in an incident, what people ask of it, and what it becomes."""
