"""What is left of an incident: collected, kept, bundled."""
