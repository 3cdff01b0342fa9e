"""`test`: files of rule tests -> what passed and what did not, printed for people or programs."""

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from monitor.core.rules.ruletest import AlertTest
from monitor.files.testset import RuleTestSet, files_of_tests, read_test_set
from monitor.workbench.ownprometheus import NoPrometheusError
from monitor.workbench.ruletests import Missed, Outcome, Row, run
from monitor.workbench.ruletestwords import length, number, shown

UNUSABLE = 2
INTERRUPTED = 130
TERMINATED = 143
LONGEST_WHY = 60
HEAD: tuple[str, ...] = ("time", "instance", "tier", "value", "requests", "verdict", "state", "why")


def test(paths: Sequence[Path], prometheus: Path | None, output: str) -> int:
    """Run the tests in `paths` (none: `rules`), print what came of them, and give the exit code.

    0: all passed; 1: one did not, or a file cannot be used; 2: usage, no tests, or no Prometheus.
    """
    files, wrong = _files(paths or [Path("rules")])
    if output not in ("text", "json"):
        wrong = f"unknown format {output!r}: it is one of text, json"
    if wrong:
        sys.stderr.write(f"{wrong}\n")
        return UNUSABLE
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        sets = [read_test_set(one) for one in files]
        if not any(one.errors or (one.file is not None and one.file.tests) for one in sets):
            names = ", ".join(str(one) for one in files)
            sys.stderr.write(f"{_visible(names)}: there are no tests: write some under `tests:`\n")
            return UNUSABLE
        return _run(sets, prometheus, output)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except NoPrometheusError as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    """End as an exception does, so that the Prometheus of the run is ended too."""
    raise SystemExit(TERMINATED)


def _files(paths: Sequence[Path]) -> tuple[list[Path], str]:
    """Give the test files, or what is wrong with the paths."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            return [], f"{path}: there is no such file or folder"
        files = files_of_tests(path)
        if not files:
            return [], f"{path}: there are no tests: write {path / 'tests'}/NAME.yaml"
        found |= dict.fromkeys(files)
    return list(found), ""


def _run(sets: Sequence[RuleTestSet], prometheus: Path | None, output: str) -> int:
    began = time.monotonic()
    usable = [one for one in sets if not one.errors]
    if output == "text":
        for each in sets:
            sys.stdout.write("".join(f"{_visible(str(one))}\n" for one in each.findings))
        outcomes = run(usable, prometheus, _tell)
        sys.stdout.write(_summary(sets, outcomes, time.monotonic() - began))
    else:
        outcomes = run(usable, prometheus)
        sys.stdout.write(_json(sets, outcomes))
    return int(len(usable) < len(sets) or not all(one.passed for one in outcomes))


# --- for people ---------------------------------------------------------------------------------------------------


def _tell(outcome: Outcome) -> None:
    if not outcome.passed:
        sys.stdout.write("\n".join(_failed(outcome)) + "\n\n")
        sys.stdout.flush()


def _failed(outcome: Outcome) -> Iterator[str]:
    place = outcome.test.place
    yield _visible(f"FAIL {outcome.file}:{place.line}: {outcome.test.name or 'a test without a name'}")
    for one in outcome.missed:
        yield _visible(f"  {one.subject} at {length(one.test.eval_time)} (line {one.test.place.line})")
        yield _visible(f"    expected: {one.expected}")
        yield _visible(f"    actual:   {one.actual}")
        if one.remark:
            yield _visible(f"    note:     {one.remark}")
        yield from _table(one.rows)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """Give the readings as a table, columns as wide as they must be."""
    if not rows:
        return
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        yield _visible("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    value = "-" if row.value is None else number(row.value, row.unit)
    requests = "-" if row.requests is None else f"{row.requests:.4g}"
    why = row.why if len(row.why) <= LONGEST_WHY else f"{row.why[: LONGEST_WHY - 3]}..."
    return (length(row.at), shown(row.labels), row.tier.value, value, requests, row.verdict, row.state.value, why)


def _summary(sets: Sequence[RuleTestSet], outcomes: Sequence[Outcome], seconds: float) -> str:
    failed = sum(not one.passed for one in outcomes)
    unusable = sum(bool(one.errors) for one in sets)
    words = [f"{len(outcomes) - failed} passed", f"{failed} failed" if failed else ""]
    words.append(f"{unusable} of {len(sets)} files cannot be used" if unusable else "")
    return f"{', '.join(word for word in words if word)} in {seconds:.1f} s\n"


def _visible(text: str) -> str:
    """Give `text` without what would write to the terminal: rules and labels come from anywhere."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


# --- for programs -------------------------------------------------------------------------------------------------


def _json(sets: Sequence[RuleTestSet], outcomes: Sequence[Outcome]) -> str:
    findings = [
        {
            "file": one.place.file,
            "line": one.place.line,
            "column": one.place.column,
            "severity": str(one.severity),
            "code": one.code,
            "message": one.message,
            "hint": one.hint,
        }
        for each in sets
        for one in each.findings
    ]
    document = {
        "version": 1,
        "passed": sum(one.passed for one in outcomes),
        "failed": sum(not one.passed for one in outcomes),
        "findings": findings,
        "tests": [_test(one) for one in outcomes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _test(outcome: Outcome) -> dict[str, object]:
    return {
        "file": outcome.file,
        "line": outcome.test.place.line,
        "name": outcome.test.name,
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 3),
        "failures": [_missed(one) for one in outcome.missed],
    }


def _missed(one: Missed) -> dict[str, object]:
    return {
        "line": one.test.place.line,
        "alert": one.test.alert if isinstance(one.test, AlertTest) else None,
        "expr": None if isinstance(one.test, AlertTest) else one.test.expr,
        "eval_time_s": one.test.eval_time,
        "expected": one.expected,
        "actual": one.actual,
        "note": one.remark,
        "readings": [_row(row) for row in one.rows],
    }


def _row(row: Row) -> dict[str, object]:
    return {
        "at_s": row.at,
        "labels": dict(row.labels),
        "tier": row.tier.value,
        "value": row.value,
        "requests": row.requests,
        "verdict": row.verdict,
        "state": row.state.value,
        "why": row.why,
    }
