"""PromQL as people write it in files: selectors and expressions are parsed here, offline; selectors made canonical.

The parser says what is wrong but not where; the place is found by looking for the longest beginning that can be read.
It also runs out of stack on thousands of nested operators, so long expressions are refused before it sees them.
"""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import promql_parser

from monitor.core.rules.rule import Matcher, MatchOp
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError
from monitor.files.scalars import scalar

MAX_TOKENS = 800
"""The longest expression that is read, in words and signs: a stack of 1 MiB carries 1,000 nested ones."""
_MAX_TEXT = 10_000
_TRIES = 80
_TOKEN = re.compile(
    r"""(?:\s|\#[^\n]*(?:\n|$))*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[\w.:]+|=~|!~|[=!<>]=|[^\s#])"""
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MATCH = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
_COMPARISONS = frozenset({"<", ">", "<=", ">=", "==", "!="})
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def selector(node: Node) -> str:
    """Give a plain vector selector in canonical form: no range, no offset, nothing computed."""
    word = _written(node, "a selector such as 'up{job=\"auth\"}'")
    found = _parsed(word)
    if isinstance(found, promql_parser.MatrixSelector):
        raise WrongError(word.at(word.text.rfind("[")), "a selector has no range", "`window` says how long", "selector")
    if not isinstance(found, promql_parser.VectorSelector):
        raise WrongError(word.place, f"`{word.text}` is no plain selector", 'write metric{label="value"}', "selector")
    return _canonical(found, word)


def failures(requests: str, node: Node) -> str:
    """Give the selector of the failures: matchers are joined to `requests`, a selector stands on its own."""
    word = _written(node, "matchers such as 'code=~\"5..\"'")
    if _fits(f"x{{{word.text}\n}}") and isinstance(
        joined := _parse(f"x{{{word.text}\n}}"), promql_parser.VectorSelector
    ):
        inside = _canonical(joined, word).removeprefix("x{").removesuffix("}")
        return f"{requests[:-1]},{inside}}}" if requests.endswith("}") else f"{requests}{{{inside}}}"
    if re.match(r"\s*\w+\s*(=|!=|=~|!~)", word.text):
        hint = "such as 'code=~\"5..\"'"
        raise WrongError(word.place, f"`{word.text}` cannot be read as matchers", hint, "selector")
    return selector(node)


def matchers(node: Node) -> tuple[Matcher, ...]:
    """Give the matchers of one text such as `job="auth"`, as they stand in a selector's braces."""
    word = _written(node, "a matcher such as 'job=\"auth\"'")
    found = _parse(f"x{{{word.text}\n}}") if _fits(word.text) else ""
    if not isinstance(found, promql_parser.VectorSelector) or found.matchers.or_matchers or found.offset or found.at:
        raise WrongError(word.place, f"`{word.text}` cannot be read as a matcher", "write 'job=\"auth\"'", "selector")
    read = matchers_of(_canonical(found, word))
    if not read:
        raise WrongError(word.place, "expected a matcher, found none", "write 'job=\"auth\"'", "selector")
    for matcher in read:
        _check_regex(matcher, word)
    return read


def _check_regex(matcher: Matcher, word: Scalar) -> None:
    """Refuse what only one of the two regular expression engines, Prometheus's and this one, understands."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of sets such as [[:alpha:]], which mean something else here
            re.compile(matcher.value if matcher.op in (MatchOp.MATCHES, MatchOp.NOT_MATCHES) else "")
    except (re.error, Warning) as error:
        message = f"`{matcher.value}` is no regular expression that is understood here: {error}"
        raise WrongError(word.place, message, "write it plainly, such as 'job=~\"auth|web\"'", "selector") from None


def matchers_of(canonical: str) -> tuple[Matcher, ...]:
    """Give the matchers of a canonical selector in their order."""
    found = _parse(canonical)
    chosen = found.matchers.matchers if isinstance(found, promql_parser.VectorSelector) else ()
    return tuple(Matcher(one.name, MatchOp(_MATCH[str(one.op)]), one.value) for one in chosen)


def written(matcher: Matcher) -> str:
    """Give a matcher as it stands in a canonical selector."""
    return f"{matcher.label}{matcher.op.value}{quoted(matcher.value)}"


def quoted(text: str) -> str:
    """Give `text` as PromQL writes a string."""
    return f'"{text.translate(_QUOTED)}"'


def metric_of(canonical: str) -> str:
    """Give the metric name of a canonical selector; empty where none stands before the braces."""
    return canonical.partition("{")[0]


def label_matched(canonical: str, label: str) -> str | None:
    """Give the value that a canonical selector demands of `label` with `=`, or None."""
    found = re.search(rf'[{{,]{re.escape(label)}="((?:[^"\\]|\\.)*)"', canonical)
    return found[1] if found and "\\" not in found[1] else None


def expression(node: Node) -> str:
    """Give PromQL that yields an instant vector (or a number), as it was written."""
    word = _written(node, "PromQL")
    found = _parsed(word)
    if isinstance(found, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        raise WrongError(
            word.at(word.text.rfind("[")), "a range is no instant vector", "put it into rate(...)", "promql"
        )
    if isinstance(found, promql_parser.StringLiteral):
        raise WrongError(word.place, "a text is no instant vector", "", "promql")
    return word.text


def filters_of(expr: str) -> tuple[str, ...]:
    """Give the operators in `expr` that drop samples: comparisons without `bool`, `and`, `unless`."""
    words = [word for _, word in code_of(expr)]
    found: dict[str, None] = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.lower() in ("and", "unless") or (word in _COMPARISONS and following.lower() != "bool"):
            found[word.lower()] = None
    return tuple(found)


def code_of(expr: str) -> tuple[tuple[int, str], ...]:
    """Give the words and signs of `expr` with where they stand, without comments and what is inside of selectors."""
    found: list[tuple[int, str]] = []
    is_selector = False
    for token in _tokens(expr):
        word = token[1]
        is_selector = word == "{" or (is_selector and word != "}")
        if word == "{" or not is_selector:
            found.append((token.start(1), word))
    return tuple(found)


def kept_labels(expr: str) -> tuple[str, ...] | None:
    """Give the labels that `expr` keeps, where it is an aggregation `by` some; None where only the data can tell."""
    found = tree(expr)
    while isinstance(found, promql_parser.ParenExpr):
        found = found.expr
    if not isinstance(found, promql_parser.AggregateExpr) or str(found.op) in (
        "topk",
        "bottomk",
        "limitk",
        "limit_ratio",
    ):
        return None
    if found.modifier is None:
        return ()
    return tuple(found.modifier.labels) if str(found.modifier.type).endswith("By") else None


def reads_series(expr: str) -> bool:
    """Whether any selector stands in `expr`: without one it says the same whatever happens."""
    return _reads(tree(expr))


def _reads(node: Any) -> bool:  # noqa: ANN401  # promql_parser's compiled nodes carry no types
    if isinstance(node, promql_parser.VectorSelector | promql_parser.MatrixSelector):
        return True
    inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr")]
    return any(_reads(child) for child in (*inner, *getattr(node, "args", ())) if child is not None)


def _written(node: Node, wanted: str) -> Scalar:
    if isinstance(node, Mapping | Sequence):
        raise WrongError(
            node.place,
            f"expected {wanted}, and YAML reads a mapping here",
            "put the selector in single quotes",
            "selector",
        )
    word = scalar(node, wanted)
    if not word.text.strip():
        raise WrongError(node.place, f"expected {wanted}, found an empty text")
    return word


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Give the words and signs of `text` in order; a comment at its end is none."""
    found = _TOKEN.match(text)
    while found is not None:
        yield found
        found = _TOKEN.match(text, found.end())


def tree(text: str) -> promql_parser.Expr:
    """Give what a parser sees in `text`; raises ValueError where that is no PromQL."""
    return promql_parser.parse(_TOKEN.sub(_plainly_quoted, text))


def _plainly_quoted(token: re.Match[str]) -> str:
    """Give a raw string (`...`) in double quotes: the parser reads backslashes in raw ones as escapes."""
    if not token[1].startswith("`") or len(token[1]) == 1:
        return token[0]
    return f"{token[0][: token.start(1) - token.start()]}{quoted(token[1][1:-1])}"


def _parse(text: str) -> promql_parser.Expr | str:
    """Give the parsed text, or the parser's sentence about it."""
    try:
        return tree(text)
    except ValueError as error:
        return str(error)


def _fits(text: str) -> bool:
    return len(text) <= _MAX_TEXT and sum(1 for _ in _tokens(text)) <= MAX_TOKENS


def _parsed(word: Scalar) -> promql_parser.Expr:
    if not _fits(word.text):
        hint = f"at most {MAX_TOKENS} words and signs; a recording rule in Prometheus can carry the rest"
        raise WrongError(word.place, "the expression is too long", hint, "promql")
    found = _parse(word.text)
    if isinstance(found, str):
        offset, bracket = _trouble(word.text)
        says = bracket or {"invalid promql query": "the PromQL cannot be read from here on"}.get(found, found)
        hint = "this is no regular expression: escape a bracket that is meant as such" if "regex" in says else ""
        raise WrongError(word.at(offset), says, hint, "promql")
    return found


def _trouble(text: str) -> tuple[int, str]:
    """Give where `text` goes wrong, and what is wrong where it is a bracket."""
    tokens = [(found.start(1), found[1]) for found in _tokens(text)]
    opened: list[tuple[int, str]] = []
    closers: list[str] = []
    for start, token in tokens:
        if token in _CLOSING:
            opened.append((start, token))
        elif token in _CLOSING.values():
            if not opened:
                return start, f"`{token}` closes nothing"
            if _CLOSING[opened[-1][1]] != token:
                return start, f"`{token}` stands where `{_CLOSING[opened[-1][1]]}` is expected"
            opened.pop()
        closers.append("".join(_CLOSING[one] for _, one in reversed(opened)))
    if opened:
        return opened[-1][0], f"`{opened[-1][1]}` is never closed"
    for index in range(len(tokens) - 1, max(0, len(tokens) - _TRIES), -1):
        end = tokens[index - 1][0] + len(tokens[index - 1][1])
        if not isinstance(_parse(text[:end] + closers[index - 1]), str):
            return tokens[index][0], ""
    return (tokens[0][0] if tokens else 0), ""


def _canonical(found: promql_parser.VectorSelector, word: Scalar) -> str:
    """Give the selector rewritten from its parts, so that no comment or spelling of it can change a query around it."""
    if found.offset is not None or found.at is not None:
        place = word.at(max(word.text.find(" offset"), word.text.find("@"), 0))
        raise WrongError(place, "a selector has no offset", "leave it out: the rule says when it is read", "selector")
    if found.matchers.or_matchers:
        raise WrongError(word.place, "`or` inside a selector is not known to Prometheus", "use =~ with |", "selector")
    inside = []
    for matcher in found.matchers.matchers:
        if not re.fullmatch(r"[a-zA-Z_]\w*", matcher.name, re.ASCII):
            raise WrongError(
                word.place, f"the label `{matcher.name}` is not supported yet", "letters, digits, _", "later"
            )
        inside.append(written(Matcher(matcher.name, MatchOp(_MATCH[str(matcher.op)]), matcher.value)))
    return f"{found.name or ''}{{{','.join(inside)}}}" if inside else str(found.name)
