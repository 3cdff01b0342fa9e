"""Drills: what is rehearsed, what happened in one, what it proved, and when the next is due. Pure."""
