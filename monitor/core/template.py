"""Prometheus's template syntax, a fixed part of it: labels, the value, a time window, and functions that format them.

A template is parsed once (`TemplateError` says where it is wrong) and then renders any alert without raising. It
reaches nothing but what it is given: no attributes, no queries, no loops, no conditions.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from monitor.core.humanize import FUNCTIONS, Moment, Value, go_float, printf, printf_problem

_TOKEN = re.compile(
    r"""\s*(?:(?P<pipe>\|)|(?P<variable>[$.][\w.]*)|(?P<string>"(?:[^"\\\n]|\\.)*")"""
    r"""|(?P<number>-?\d{1,15}(?:\.\d{1,15})?(?![\w.]))|(?P<word>\w+)|(?P<other>\S))"""
)
_KEYWORDS = frozenset(
    {"if", "else", "end", "range", "with", "define", "template", "block", "query", "first", "value", "and", "or", "not"}
)
_LONGEST = 10_000


class TemplateError(ValueError):
    """A template cannot be parsed; `offset` counts characters from its beginning, `hint` says what would be right."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Label:
    """`$labels.name`; `offset` is where it stands."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$value`, `$from` or `$to`."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A quoted text or a number."""

    value: Value


Operand: TypeAlias = Label | Variable | Literal


@dataclass(frozen=True, slots=True)
class Call:
    """A function with the arguments that stand beside it; a pipe adds the last one."""

    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between `{{` and `}}`: an operand or a call, piped through calls."""

    first: Operand | Call
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts and actions in order."""

    parts: tuple[str | Action, ...]

    def labels(self) -> tuple[Label, ...]:
        """Give every `$labels.name` that the template reads."""
        found: list[Label] = []
        for part in self.parts:
            if isinstance(part, str):
                continue
            calls = (part.first, *part.calls) if isinstance(part.first, Call) else part.calls
            operands = [part.first] if not isinstance(part.first, Call) else []
            operands += [operand for call in calls if isinstance(call, Call) for operand in call.arguments]
            found += [operand for operand in operands if isinstance(operand, Label)]
        return tuple(found)

    def render(
        self, labels: Mapping[str, str] | Iterable[tuple[str, str]], value: float | None, at_from: int, at_to: int
    ) -> str:
        """Give the text for one alert; never raises.

        A missing label reads as the empty text, a missing value as "no value". `at_from` and `at_to` are seconds since
        the epoch; `$from` and `$to` print them in milliseconds, as the links of Grafana and others take them.
        """
        world = _World(dict(labels), value, at_from, at_to)
        return "".join(part if isinstance(part, str) else _shown(_run(part, world)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _World:
    """Everything that a template can see."""

    labels: Mapping[str, str]
    value: float | None
    at_from: int
    at_to: int


def _shown(value: Value) -> str:
    match value:
        case Moment():
            return str(value.seconds * 1000)
        case float():
            return go_float(value)
        case None:
            return "no value"
        case _:
            return value


def _value(operand: Operand, world: _World) -> Value:
    match operand:
        case Label():
            return world.labels.get(operand.name, "")
        case Literal():
            return operand.value
        case Variable(name="value"):
            return None if world.value is None else float(world.value)
        case Variable(name="from"):
            return Moment(world.at_from)
        case _:
            return Moment(world.at_to)


def _call(call: Call, world: _World, piped: tuple[Value, ...]) -> Value:
    values = (*(_value(operand, world) for operand in call.arguments), *piped)
    if call.function == "printf":
        return printf(str(values[0]), values[1:])
    return FUNCTIONS[call.function](values[0])


def _run(action: Action, world: _World) -> Value:
    first = action.first
    value = _call(first, world, ()) if isinstance(first, Call) else _value(first, world)
    for call in action.calls:
        value = _call(call, world, (value,))
    return value


# --- parsing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


@lru_cache(maxsize=4096)  # templates are frozen, and the same few are filled for every alert
def parse(text: str) -> Template:
    """Give the template in `text`; raise `TemplateError` with the offset of what is wrong."""
    if len(text) > _LONGEST:
        raise TemplateError(f"the text is longer than {_LONGEST} characters", _LONGEST)
    parts: list[str | Action] = []
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        closing = _closing(text, opening)
        parts += [text[position:opening], _action(text, opening + 2, closing)]
        position = closing + 2
    if (stray := text.find("}}", position)) >= 0:
        raise TemplateError("`}}` without its `{{`", stray)
    return Template((*(part for part in parts if part != ""), *((text[position:],) if text[position:] else ())))


def _closing(text: str, opening: int) -> int:
    """Give where the `}}` of the action that begins at `opening` stands, past quoted texts."""
    found = re.compile(r"""(?:"(?:[^"\\\n]|\\.)*"|[^"}]|\}(?!\}))*""").match(text, opening + 2)
    end = found.end() if found else len(text)
    if not text.startswith("}}", end):
        what = "a quote is opened and never closed" if text.startswith('"', end) else "`{{` is never closed"
        raise TemplateError(what, end if text.startswith('"', end) else opening, "close it with }}")
    return end


def _action(text: str, start: int, end: int) -> Action:
    tokens: list[_Token] = []
    position = start
    while text[position:end].strip():
        found = _TOKEN.match(text, position, end)
        if found is None or found.lastgroup is None:
            raise TemplateError("this cannot be read", position)
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
        position = found.end()
    commands: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "pipe":
            commands.append([])
        else:
            commands[-1].append(token)
    if not all(commands):
        raise TemplateError("nothing stands between {{ and }}" if not tokens else "nothing stands beside `|`", start)
    first = _command(commands[0], piped=0)
    calls = []
    for command in commands[1:]:
        call = _command(command, piped=1)
        if not isinstance(call, Call):
            raise TemplateError(f"`{command[0].text}` is no function", command[0].offset, _listed())
        calls.append(call)
    return Action(first, tuple(calls))


def _command(tokens: list[_Token], *, piped: int) -> Operand | Call:
    """Give an operand, or a call whose number of arguments, with `piped` more, is right."""
    head = tokens[0]
    if head.kind != "word":
        if len(tokens) > 1:
            raise TemplateError(
                f"`{tokens[1].text}` stands too much here", tokens[1].offset, "functions are joined by |"
            )
        return _operand(head)
    if head.text in _KEYWORDS:
        raise TemplateError(
            f"`{head.text}` is not supported: templates have no conditions, loops or queries", head.offset
        )
    if head.text not in FUNCTIONS and head.text != "printf":
        raise TemplateError(f"unknown function `{head.text}`", head.offset, _listed())
    arguments = tuple(_operand(token) for token in tokens[1:])
    if head.text == "printf":
        _check_printf(head, arguments, len(arguments) + piped)
    elif len(arguments) + piped != 1:
        raise TemplateError(f"`{head.text}` takes one value, not {len(arguments) + piped}", head.offset)
    return Call(head.text, arguments)


def _check_printf(head: _Token, arguments: tuple[Operand, ...], count: int) -> None:
    form = arguments[0] if arguments else None
    if not isinstance(form, Literal) or not isinstance(form.value, str):
        raise TemplateError('`printf` begins with its form in double quotes, such as printf "%.2f"', head.offset)
    if problem := printf_problem(form.value, count - 1):
        raise TemplateError(problem, head.offset)


def _operand(token: _Token) -> Operand:
    if token.kind == "string":
        return Literal(_unquoted(token))
    if token.kind == "number":
        return Literal(float(token.text))
    if token.text in ("$value", "$from", "$to"):
        return Variable(token.text[1:])
    if found := re.fullmatch(r"\$labels\.([a-zA-Z_]\w*)", token.text, re.ASCII):
        return Label(found[1], token.offset)
    hint = "there are $labels.name, $value, $from and $to"
    if token.kind == "variable":
        raise TemplateError(f"`{token.text}` is unknown", token.offset, hint)
    raise TemplateError(f"`{token.text}` cannot stand here", token.offset, hint)


def _unquoted(token: _Token) -> str:
    escapes = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
    unknown = next((one for one in re.findall(r"\\(.)", token.text[1:-1]) if one not in escapes), None)
    if unknown is not None:
        raise TemplateError(f"unknown escape `\\{unknown}`", token.offset)
    return re.sub(r"\\(.)", lambda one: escapes[one[1]], token.text[1:-1])


def _listed() -> str:
    return f"the functions are {', '.join((*FUNCTIONS, 'printf'))}"
