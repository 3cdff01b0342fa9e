"""A check of a procedure as people write it -> a core check; what could never run, or never fail, is told."""

import re
from collections.abc import Iterable

from monitor.core.procedures.procedure import Check
from monitor.files import procedurekeys as keys
from monitor.files.expressions import expression, filters_of, reads_series
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, Scalar, WrongError
from monitor.files.scalars import boolean, kind_of, name, number, positive_duration, sequence, text

LONGEST = 300
"""Seconds: the longest deadline of a check, so that a run of them all has an end."""

_KINDS = ("signals", "promql", "http", "command")
_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
_SHELL = re.compile(r"[|&;<>]+|\d?>+(&\d)?|&&|\|\||[<>]{1,2}\S+|~/.*|.*(\$[A-Za-z_{(]|`).*")
"""Words that mean something to a shell, and to a program itself nothing."""


def read_check(node: Node, report: Report) -> tuple[Check, Node] | None:
    """Give a check with the place of its title; what is wrong is noted."""
    fields = Fields(node, keys.CHECK, report)
    kind = fields.only_one(_KINDS)
    title = fields.take("title", _title, "")
    _belonging(kind, fields, report)
    found = _of_kind(kind, title, fields, report)
    return None if found is None else (found, fields.node.get("title") or node)


def unique_titles(checks: Iterable[tuple[Check, Node]], report: Report) -> None:
    """Note titles that stand twice: results that people enter find their check by its title."""
    seen: set[str] = set()
    for check, node in checks:
        if check.id and check.id in seen:
            message = f"the check `{check.title}` stands twice in its step"
            report.error(node.place, "duplicate-id", message, "give each check a title of its own")
        seen.add(check.id)


def _title(node: Node) -> str:
    found = name(node)
    if not Check("", found).id:
        raise WrongError(node.place, f"`{found}` is no title", "write what is proven, such as Login works")
    return found


def _belonging(kind: str | None, fields: Fields, report: Report) -> None:
    for key, kinds in {"above": "promql", "below": "promql", "status": "http", "deadline": "http command"}.items():
        if kind and fields.has(key) and kind not in kinds.split():
            report.error(fields.at(key), "value", f"`{key}` says nothing about a `{kind}` check", "leave it out")


def _of_kind(kind: str | None, title: str, fields: Fields, report: Report) -> Check | None:
    match kind:
        case "signals":
            fields.take("signals", _true, None)
            return Check(kind, title)
        case "promql":
            return _promql(title, fields, report)
        case "http":
            status, deadline = fields.take("status", _status, 200), fields.take("deadline", _deadline, 10)
            return Check(kind, title, fields.take("http", _url, ""), status=status, deadline=deadline)
        case "command":
            argv: tuple[str, ...] = fields.take("command", _argv, ())
            deadline = fields.take("deadline", _deadline, 10)
            _shell_words(argv, fields, report)
            return Check(kind, title, argv=argv, deadline=deadline)
        case _:
            return None


def _promql(title: str, fields: Fields, report: Report) -> Check:
    above, below = fields.take("above", number, None), fields.take("below", number, None)
    if (above is None) == (below is None):
        report.error(fields.place, "missing-key", "a promql check has one of `above` and `below`")
    expr = fields.take("promql", expression, "")
    filters = ", ".join(f"`{one}`" for one in filters_of(expr)) if expr else ""
    if filters:
        message = f"{filters} drops samples: what does not hold reads as no data, and that is never a pass"
        report.warning(fields.at("promql"), "query-filter", message, "compare with `above` or `below` of the check")
    if expr and not reads_series(expr):
        message = "the expression reads no series: it would say the same whatever happens"
        report.error(fields.at("promql"), "constant", message, "write what shows that it works, such as a probe")
    return Check("promql", title, expr, above=above, below=below)


def _true(node: Node) -> None:
    if isinstance(node, Mapping) or not boolean(node):
        raise WrongError(node.place, "expected true", "signals: true")


def _status(node: Node) -> int:
    found = number(node)
    if found != int(found) or not 100 <= found <= 599:  # noqa: PLR2004  # HTTP's own range
        raise WrongError(node.place, f"{kind_of(node)} is no HTTP status", "such as 200")
    return int(found)


def _deadline(node: Node) -> int:
    found = positive_duration(node)
    if found > LONGEST:
        raise WrongError(node.place, f"a check ends within {LONGEST // 60}m", "write a shorter deadline")
    return found


def _url(node: Node) -> str:
    found = text(node)
    if not _URL.fullmatch(found):
        raise WrongError(node.place, f"`{found}` is no URL to ask", "write https://host/path", "link")
    return found


def _argv(node: Node) -> tuple[str, ...]:
    """Give a fixed argument list; a shell line is refused, because no shell will ever read it."""
    if isinstance(node, Scalar):
        raise WrongError(
            node.place,
            "a command check is a list of words: no shell reads it",
            f"write [{', '.join(node.text.split())}]",
        )
    words = tuple(text(item) for item in sequence(node, "[python3, tools/release_preflight.py]").items)
    if not words or not words[0].strip():
        raise WrongError(node.place, "a command check begins with a program")
    if any("\0" in word for word in words):
        raise WrongError(node.place, "no word of a command holds a NUL character")
    return words


def _shell_words(argv: tuple[str, ...], fields: Fields, report: Report) -> None:
    """Warn of what only a shell would understand, and of a program whose name is a whole line."""
    odd = [word for word in argv if _SHELL.fullmatch(word)]
    if odd:
        message = f"`{odd[0]}` is handed to the program as it stands: no shell reads it"
        report.warning(fields.at("command"), "shell", message, "put it into a script, and run that")
    elif argv and " " in argv[0]:
        message = f"`{argv[0]}` is taken for the name of one program"
        hint = f"write [{', '.join(argv[0].split())}]"
        report.warning(fields.at("command"), "shell", message, hint)
