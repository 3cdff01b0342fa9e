"""`export prometheus`: the rules as Prometheus's alerting rules on stdout, what they cannot say on stderr.

Imports nothing heavy: it runs where rules are reviewed.
"""

import re
import sys
from pathlib import Path

from monitor.files import Severity, load
from monitor.ruleset.export import Peer, prometheus_rules

_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,4})(\.\d+)?")


def run(rules: Path | None, for_version: str, *, remembers: bool) -> int:
    """Print the rules in `rules` (none: `rules`) for a Prometheus of that version; give the exit code.

    0: printed, with a line on stderr for each thing that could not be said; 2: no version, or rules with errors.
    """
    version = _VERSION.fullmatch(for_version)
    if version is None:
        sys.stderr.write(f"rollback-monitor: {for_version!r} is no version of Prometheus: write 2.42 or 3.5\n")
        return 2
    loaded = load(rules or Path("rules"))
    if loaded.rules is None:
        for finding in loaded.findings:
            if finding.severity is Severity.ERROR:
                sys.stderr.write(f"{finding}\n")
        return 2
    exported = prometheus_rules(loaded.rules, Peer((int(version[1]), int(version[2])), remembers=remembers))
    for remark in exported.remarks:
        sys.stderr.write(f"rollback-monitor: {remark}\n")
    sys.stdout.write(exported.text)
    return 0
