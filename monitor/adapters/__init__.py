"""The edge: everything that speaks to the outside world, behind the ports."""
