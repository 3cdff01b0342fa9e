"""The expression of a Prometheus rule -> a query and its limit, or the reason why it has to stay whole.

Prometheus lets a rule fire for every sample that its expression leaves. Where that is "a value strictly over a number"
it can be said as a query and a threshold, and then the number can be shown; everything else keeps its meaning as a
condition. Nothing is split that would decide otherwise than Prometheus on the same samples.
"""

import math
import operator
import re
from dataclasses import dataclass

import promql_parser

from monitor.files.expressions import code_of, filters_of, tree

_STRICT = {">": "above", "<": "below"}
_TURNED = {">": "below", "<": "above"}
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_WHOLE_SAYS = {
    ">=": "`>=`: limits are strict here",
    "<=": "`<=`: limits are strict here",
    "==": "`==` has no side",
    "!=": "`!=` has no side",
}
_CHOOSY = re.compile(r"absent|absent_over_time|topk|bottomk|limitk|limit_ratio", re.IGNORECASE)
"""Functions whose answer is empty, or holds other instances, while nothing is wrong with the data."""


@dataclass(frozen=True, slots=True)
class Split:
    """A query and the limit beside it; exactly one of `above` and `below` is set."""

    query: str
    above: float | None = None
    below: float | None = None


def split(expr: str) -> Split | str:
    """Give `expr` (PromQL that can be read) in its two parts, or say why it stays whole."""
    text = _bare(expr)
    outermost = tree(text)
    if not isinstance(outermost, promql_parser.BinaryExpr):
        return "no comparison with a number stands outermost"
    sign = str(outermost.op)
    if sign in ("and", "or", "unless"):
        return f"`{sign}` joins two vectors"
    if sign not in (*_STRICT, *_WHOLE_SAYS):
        return "no comparison with a number stands outermost"
    if outermost.modifier is not None and outermost.modifier.return_bool:
        return "`bool` leaves every sample"
    return _WHOLE_SAYS.get(sign) or _parted(text, sign, outermost)


def _parted(text: str, sign: str, outermost: promql_parser.BinaryExpr) -> Split | str:
    """Give the two sides of a strict comparison, as they are written."""
    left, right = _number(outermost.lhs), _number(outermost.rhs)
    if (left is None) == (right is None):
        return "two vectors are compared"
    at = _last_sign(text, sign)
    query = (text[:at] if right is not None else text[at + 1 :]).strip()
    limit, side = (right, _STRICT[sign]) if right is not None else (left, _TURNED[sign])
    if limit is None or not math.isfinite(limit):
        return "the limit is no number that anything can be compared with"
    if filters := filters_of(query):
        return f"`{filters[0]}` inside drops samples"
    if choosy := next((word for _, word in code_of(query) if _CHOOSY.fullmatch(word)), None):
        return f"`{choosy}` inside chooses samples"
    return Split(query, **{side: limit})


def _bare(expr: str) -> str:
    """Give `expr` without parentheses around the whole."""
    text = expr.strip()
    while (words := code_of(text)) and words[0][1] == "(" and _closing(words) == len(words) - 1:
        text = text[words[0][0] + 1 : words[-1][0]].strip()
    return text


def _closing(words: tuple[tuple[int, str], ...]) -> int:
    """Give the index of the word that closes the parenthesis at the first one."""
    depth = 0
    for index, (_, word) in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return index
    return -1


def _last_sign(text: str, sign: str) -> int:
    """Give where the last `sign` outside all brackets stands: comparisons are read from left to right."""
    depth, found = 0, 0
    for at, word in code_of(text):
        depth += (word in "([{") - (word in ")]}")
        if word == sign and depth == 0:
            found = at
    return found


def _number(node: promql_parser.Expr) -> float | None:
    """Give the number that `node` is, computed where it is a sum or product of numbers; None where it is none."""
    match node:
        case promql_parser.NumberLiteral():
            return float(node.val)
        case promql_parser.ParenExpr():
            return _number(node.expr)
        case promql_parser.UnaryExpr():
            inner = _number(node.expr)
            return None if inner is None else -inner
        case promql_parser.BinaryExpr() if str(node.op) in _OPERATORS:
            left, right = _number(node.lhs), _number(node.rhs)
            return None if left is None or right is None else _computed(str(node.op), left, right)
        case _:
            return None


def _computed(sign: str, left: float, right: float) -> float:
    try:
        return float(_OPERATORS[sign](left, right))
    except ZeroDivisionError:
        return math.nan
