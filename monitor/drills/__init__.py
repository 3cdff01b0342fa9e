"""Drills: a side of their own, what is injected into it, and who conducts them."""
