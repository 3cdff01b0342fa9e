"""A procedure file -> a core procedure; texts that would not fit a card are told."""

import re

from monitor.core.procedure import Check, Choice, Command, Does, Field, Procedure, Step, Task, Wave
from monitor.files import procedurekeys as keys
from monitor.files.expressions import expression
from monitor.files.fields import Fields
from monitor.files.findings import Report
from monitor.files.nodes import Mapping, Node, Scalar, WrongError
from monitor.files.scalars import boolean, kind_of, name, names, number, positive_duration, sequence, text

_SECTION = 2_800
"""How many characters of a step a card's section carries, with room for its heading; Slack's limit is 3,000."""
_KINDS = ("signals", "promql", "http", "command")
_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")


def read_procedure(root: Node, procedure: str, report: Report) -> Procedure:
    """Give the procedure named `procedure`; what is wrong is noted and left out."""
    fields = Fields(root, keys.PROCEDURE, report)
    fields.version()
    steps = fields.each("steps", lambda node: _step(node, report), "[{id: ..., title: ...}]")
    if fields.has("steps") and not steps:
        report.error(fields.at("steps"), "value", "a procedure has at least one step")
    _unique([(step.id, place) for step, place in steps], report)
    _once([(step.does, place) for step, place in steps if step.does], report)
    title = fields.take("title", name, procedure)
    target = fields.take("recovery_target", positive_duration, 900)
    return Procedure(procedure, title, tuple(step for step, _ in steps), target)


def _unique(ids: list[tuple[str, Node]], report: Report) -> None:
    seen: set[str] = set()
    for one, node in ids:
        if one and one in seen:
            report.error(node.place, "duplicate-id", f"the id `{one}` stands twice", "each id once in its list")
        seen.add(one)


def _once(does: list[tuple[Does, Node]], report: Report) -> None:
    seen: set[Does] = set()
    for one, node in does:
        if one in seen:
            report.error(node.place, "duplicate-does", f"`does: {one}` stands in two steps", "keep it in one of them")
        seen.add(one)


def _step(node: Node, report: Report) -> tuple[Step, Node]:
    fields = Fields(node, keys.STEP, report)
    choices = fields.each("choose", lambda one: _choice(one, report), "[{id: keep, title: Keep the schema}]")
    _unique([(choice.id, at) for choice, at in choices], report)
    step = Step(
        id=fields.take("id", _slug, ""),
        title=fields.take("title", name, ""),
        text=fields.take("text", text, "").strip(),
        applies_if=fields.take("applies_if", name, ""),
        tasks=fields.each("tasks", lambda one: Task(text(one).strip()), "[Confirm the image]"),
        collect=fields.each("collect", lambda one: _field(one, report), "[{id: target, title: Target version}]"),
        commands=fields.each("commands", lambda one: _command(one, report), "['make rollback']"),
        waves=fields.each("services", lambda one: _wave(one, report), "[{title: Backend, services: [auth]}]"),
        choose=tuple(choice for choice, _ in choices),
        checks=fields.each("checks", lambda one: _check(one, report), "[{title: Clear, signals: true}]"),
        does=fields.take("does", _does, None),
    )
    length = _length(step)
    if length > _SECTION:
        message = f"the step `{step.id}` has {length} characters, and a card shows {_SECTION} of a step"
        report.error(fields.place, "too-long", message, "shorten it, or make two steps of it")
    return step, fields.node.get("id") or node


def _length(step: Step) -> int:
    lines = [step.title, step.text, step.applies_if, *(task.text for task in step.tasks)]
    lines += [field.title for field in step.collect]
    lines += [command.run + command.service for command in step.commands]
    lines += [choice.title for choice in step.choose]
    lines += [", ".join((wave.title, *wave.services)) for wave in step.waves]
    lines += [" ".join((check.title, check.target, *check.argv)) for check in step.checks]
    return sum(len(line) + 8 for line in lines)


def _slug(node: Node) -> str:
    found = text(node)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,49}", found):
        raise WrongError(node.place, f"`{found}` is no id", "lower-case letters, digits, - and _, at most 50")
    return found


def _does(node: Node) -> Does:
    found = text(node)
    try:
        return Does(found)
    except ValueError:
        raise WrongError(
            node.place, f"`{found}` is nothing that the monitor does", f"one of {', '.join(Does)}"
        ) from None


def _field(node: Node, report: Report) -> Field:
    fields = Fields(node, keys.FIELD, report)
    return Field(fields.take("id", _slug, ""), fields.take("title", name, ""))


def _command(node: Node, report: Report) -> Command:
    if isinstance(node, Scalar):
        return Command(text(node).strip())
    fields = Fields(node, keys.COMMAND, report)
    return Command(fields.take("run", text, "").strip(), fields.take("service", name, ""))


def _wave(node: Node, report: Report) -> Wave:
    fields = Fields(node, keys.WAVE, report)
    return Wave(fields.take("title", name, ""), fields.take("services", names, ()))


def _choice(node: Node, report: Report) -> tuple[Choice, Node]:
    fields = Fields(node, keys.CHOICE, report)
    needs = fields.take("needs_approver", boolean, default=False)
    forward = fields.take("forward", boolean, default=False)
    choice = Choice(fields.take("id", _slug, ""), fields.take("title", name, ""), needs, forward)
    return choice, fields.node.get("id") or node


def _check(node: Node, report: Report) -> Check | None:
    fields = Fields(node, keys.CHECK, report)
    kind = fields.only_one(_KINDS)
    title = fields.take("title", name, "")
    above, below = fields.take("above", number, None), fields.take("below", number, None)
    status, deadline = fields.take("status", _status, 200), fields.take("deadline", positive_duration, 10)
    for key, kinds in {"above": "promql", "below": "promql", "status": "http", "deadline": "http command"}.items():
        if kind and fields.has(key) and kind not in kinds.split():
            report.error(fields.at(key), "value", f"`{key}` says nothing about a `{kind}` check", "leave it out")
    match kind:
        case "signals":
            fields.take("signals", _true, None)
            return Check(kind, title)
        case "promql":
            if (above is None) == (below is None):
                report.error(fields.place, "missing-key", "a promql check has one of `above` and `below`")
            return Check(kind, title, fields.take("promql", expression, ""), above=above, below=below)
        case "http":
            return Check(kind, title, fields.take("http", _url, ""), status=status, deadline=deadline)
        case "command":
            return Check(kind, title, argv=fields.take("command", _argv, ()), deadline=deadline)
        case _:
            return None


def _true(node: Node) -> None:
    if isinstance(node, Mapping) or not boolean(node):
        raise WrongError(node.place, "expected true", "signals: true")


def _status(node: Node) -> int:
    found = number(node)
    if found != int(found) or not 100 <= found <= 599:  # noqa: PLR2004  # HTTP's own range
        raise WrongError(node.place, f"{kind_of(node)} is no HTTP status", "such as 200")
    return int(found)


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
    return words
