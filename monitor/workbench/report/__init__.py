"""What a replay found, as documents: one HTML file that opens anywhere, and a comment for a pull request.

Made of values alone: it must not know where they come from, nor the time.
"""

from monitor.workbench.report.comment import markdown
from monitor.workbench.report.page import html

__all__ = ["html", "markdown"]
