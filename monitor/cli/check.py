"""`check`: rule, routing and procedure files -> findings, printed for people, programs or GitHub.

Imports nothing heavy: it runs in every commit of a rules repository.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.files import Checked, Finding, Severity, check

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.REMARK: "cyan"}
_IN_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.REMARK: "notice"}
FORMATS = ("text", "json", "github")


def run(paths: Sequence[Path], strict: bool, format: str) -> int:  # noqa: A002, FBT001  # the names of the command line
    """Check `paths` (none: `rules`), print what is found, and give the exit code.

    0: fine; 1: errors, or warnings with `strict`; 2: a path that does not exist or an unknown format.
    """
    paths = paths or [Path("rules")]
    if format not in FORMATS:
        sys.stderr.write(f"unknown format {format!r}: it is one of {', '.join(FORMATS)}\n")
        return 2
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        sys.stderr.write(f"{path}: there is no such file or folder\n")
    if missing:
        return 2
    checked = check(paths)
    if format == "json":
        _print_json(checked)
    elif format == "github":
        for finding in checked.findings:
            sys.stdout.write(f"{github_line(finding)}\n")
    elif sys.stdout.isatty():
        _print_coloured(checked)
    else:
        sys.stdout.write(_text(checked))
    counting = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return int(any(finding.severity in counting for finding in checked.findings))


def github_line(finding: Finding) -> str:
    """Give a finding as GitHub's workflow command, with what would end a property or the line escaped."""
    place = finding.place
    where = f"file={_property(place.file)},line={place.line},col={place.column},title={_property(finding.code)}"
    return f"::{_IN_GITHUB[finding.severity]} {where}::{_data(_sentence(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sentence(finding: Finding) -> str:
    return f"{finding.message}: {finding.hint}" if finding.hint else finding.message


def _print_json(checked: Checked) -> None:
    findings = [
        {
            "file": finding.place.file,
            "line": finding.place.line,
            "column": finding.place.column,
            "severity": str(finding.severity),
            "code": finding.code,
            "message": finding.message,
            "hint": finding.hint,
        }
        for finding in checked.findings
    ]
    document = {"version": 1, "files": checked.files, "rules": checked.rules, "findings": findings}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _text(checked: Checked) -> str:
    blocks = [
        "\n".join((_heading(finding), *_excerpt(finding, checked), *_hint(finding))) for finding in checked.findings
    ]
    return "\n\n".join([*blocks, summary(checked)]) + "\n"


def _heading(finding: Finding) -> str:
    return f"{finding.place}: {finding.severity}: {_visible(finding.message)} [{finding.code}]"


def _visible(text: str) -> str:
    """Give `text` with control characters spelt out: a file must not write to the terminal."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def _excerpt(finding: Finding, checked: Checked) -> tuple[str, ...]:
    """Give the offending line with a caret under its column, cut around it where it is long."""
    lines = checked.sources.get(finding.place.file, ())
    if not 0 < finding.place.line <= len(lines):
        return ()
    line, column = lines[finding.place.line - 1], finding.place.column - 1
    start = max(0, column - 90)
    shown = "".join(character if character.isprintable() else " " for character in line[start : start + 120])
    return (f"    {shown}", f"    {' ' * min(column - start, 119)}^") if shown.strip() else ()


def _hint(finding: Finding) -> tuple[str, ...]:
    return (f"    = {_visible(finding.hint)}",) if finding.hint else ()


def summary(checked: Checked) -> str:
    """Give the closing line: how much was read and how many findings there are."""
    counts = {severity: sum(one.severity is severity for one in checked.findings) for severity in Severity}
    found = [_count(count, severity) for severity, count in counts.items() if count]
    if not counts[Severity.ERROR] and not counts[Severity.WARNING]:
        found.append("fine")
    return f"{_count(checked.files, 'file')}, {_count(checked.rules, 'rule')}: {', '.join(found)}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _print_coloured(checked: Checked) -> None:
    """Print the same text with colours; rich is imported only here, because most checks run without a terminal."""
    from rich.console import Console  # noqa: PLC0415  # costs more than the whole check
    from rich.text import Text  # noqa: PLC0415  # the same

    console = Console(highlight=False, soft_wrap=True)
    for finding in checked.findings:
        console.print(
            Text(str(finding.place), "bold"), Text(f"{finding.severity}:", _COLOURS[finding.severity]), end=" "
        )
        console.print(Text(_visible(finding.message)), Text(f"[{finding.code}]", "dim"))
        for line in _excerpt(finding, checked):
            console.print(Text(line, "red" if line.strip() == "^" else ""))
        for line in _hint(finding):
            console.print(Text(line, "green"))
        console.print()
    console.print(Text(summary(checked), "bold" if checked.findings else "bold green"))
