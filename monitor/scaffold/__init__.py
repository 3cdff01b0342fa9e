"""The first rules folder for a Prometheus that nobody here has seen: what is there to watch, and files that watch it.

It reads and writes text; what it wrote is for people to look at, which is why every rule begins in the shadow.
"""

from monitor.scaffold.folder import Options, files_of
from monitor.scaffold.found import Found
from monitor.scaffold.looking import Looker

__all__ = ["Found", "Looker", "Options", "files_of"]
