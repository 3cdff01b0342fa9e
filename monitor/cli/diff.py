"""`diff`: two rules folders -> what differs, in words, and what a reload from one to the other would do to alerts.

Imports nothing heavy: it runs in the reviews of a rules repository.
"""

import json
import sys
from pathlib import Path

from monitor.core.rules.comparison import Comparison, compare
from monitor.core.rules.ruleset import RuleSet
from monitor.files import Severity, load

UNUSABLE = 2


def run(old: Path, new: Path, output: str) -> int:
    """Print how the rule sets in `old` and `new` differ; give the exit code (2: one of them cannot be used)."""
    if output not in ("text", "json"):
        sys.stderr.write(f"unknown format {output!r}: it is one of text, json\n")
        return UNUSABLE
    before, after = _loaded(old), _loaded(new)
    if before is None or after is None:
        return UNUSABLE
    comparison = compare(before, after)
    sys.stdout.write(_json(comparison) if output == "json" else _text(comparison))
    return 0


def _loaded(folder: Path) -> RuleSet | None:
    """Give the rule set in `folder`; None, with the reasons told, where it cannot be used."""
    loaded = load(folder)
    if loaded.rules is None:
        errors = [str(one) for one in loaded.findings if one.severity is Severity.ERROR]
        sys.stderr.write("".join(f"{_visible(one)}\n" for one in errors))
    return loaded.rules


def _text(comparison: Comparison) -> str:
    if not comparison.sentences:
        return "The rule sets do not differ.\n"
    counts = ", ".join(f"{count} {fate}" for fate, count in comparison.counts().items() if count)
    return "".join(f"{_visible(one)}\n" for one in comparison.sentences) + f"\n{counts}\n"


def _json(comparison: Comparison) -> str:
    changes = [
        {
            "alert": change.alert,
            "group": change.group,
            "before": change.before,
            "state": str(change.fate),
            "words": change.words,
            "sentence": change.sentence,
        }
        for change in comparison.told
    ]
    counts = {str(fate): count for fate, count in comparison.counts().items()}
    document = {"version": 1, "counts": counts, "changes": changes, "rest": comparison.rest}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _visible(text: str) -> str:
    """Give `text` without what would write to the terminal: file names and rules come from anywhere."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)
