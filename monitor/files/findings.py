"""What is wrong or doubtful in the files of a rules folder, and the list that readers write it into.

A finding is for people: where, what was wrong, what would be right. Nothing here decides what is wrong.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from monitor.core.rules.rule import Place
from monitor.files.nodes import WrongError


class Severity(StrEnum):
    """An error keeps the rules from loading; a warning is a rule that will probably not do what it says.

    A remark says how something was understood; there is nothing to mend.
    """

    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `code` is stable, for programs; `hint` says what would be right."""

    place: Place
    severity: Severity
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {self.severity}: {self.message}{hint} [{self.code}]"


class Report:
    """The findings so far. The same thing said twice (defaults are read under every rule) is kept once."""

    def __init__(self) -> None:
        self._findings: dict[Finding, None] = {}

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note an error."""
        self._findings[Finding(place, Severity.ERROR, code, message, hint)] = None

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note a warning."""
        self._findings[Finding(place, Severity.WARNING, code, message, hint)] = None

    def remark(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note how something was understood."""
        self._findings[Finding(place, Severity.REMARK, code, message, hint)] = None

    def wrong(self, wrong: WrongError) -> None:
        """Note an error that a reader raised."""
        self.error(wrong.place, wrong.code, wrong.message, wrong.hint)

    def findings(self) -> tuple[Finding, ...]:
        """Give the findings in the order of the files' text."""
        order = sorted(self._findings, key=lambda one: (one.place.file, one.place.line, one.place.column))
        return tuple(order)


def nearest(name: str, known: tuple[str, ...], otherwise: str = "") -> str:
    """Give "did you mean ...?" for the known name nearest to `name`, else `otherwise`."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else otherwise
