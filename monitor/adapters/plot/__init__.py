"""Plots drawn by matplotlib, in a process that lives as long as the drawing: what it costs, and a hang, stay there.

Only that process imports matplotlib (`python -m monitor.adapters.plot`: a plot as JSON in, a PNG out).
"""

from monitor.adapters.plot.process import ProcessArtist

__all__ = ["ProcessArtist"]
