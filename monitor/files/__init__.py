"""What people write: a rules folder -> core values, with every error as file, line, column and what would be right.

Knows the files' format and nothing of the engine, the settings or the daemon.
"""

from monitor.files.contents import Contents, read_contents
from monitor.files.findings import Finding, Severity
from monitor.files.folder import Checked, Loaded, check, load

__all__ = ["Checked", "Contents", "Finding", "Loaded", "Severity", "check", "load", "read_contents"]
