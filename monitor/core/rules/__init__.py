"""What people ask to be watched: signals, rules, routing, and how they differ, in words."""
