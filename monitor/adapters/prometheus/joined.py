"""Many expressions in few instant queries, so that a thousand rules cost a server no thousand requests.

Each expression becomes a branch that is marked by a label, and the branches a balanced tree of `or`; the answer is
taken apart by the mark. Only a query that the server calls wrong is split, until the failing expression stands alone:
it is asked apart until it works again, and the others are unharmed. It must not know what an expression means.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

import promql_parser

from monitor.core.model import Labels, Sample
from monitor.ports.metrics import Answer, BadQuery, Samples, Unanswered

MARK = "__signal__"
MOST = 50
"""Expressions in one query: beyond that a larger query saves little, and a failing one costs more to find."""

KEPT = 20_000
"""Expressions that are kept in brackets; after so many the reader begins anew."""

LONGEST = 60_000
"""Characters of one query."""

_NUMBER = re.compile(r"[0-9]{1,3}")


class Joined:
    """Reads expressions together through `ask`, which makes one instant query. Thread-safe."""

    def __init__(self) -> None:
        self._apart: set[str] = set()
        self._branches: dict[str, str] = {}
        self._lock = Lock()

    def read(self, exprs: Sequence[str], ask: Callable[[str], Answer]) -> dict[str, Answer]:
        """Give the answer of each expression; the same text is asked once."""
        with self._lock:
            apart = self._apart.intersection(exprs)
        answers: dict[str, Answer] = {}
        for chunk in _chunks([expr for expr in dict.fromkeys(exprs) if expr not in apart]):
            answers |= self._chunk(chunk, ask)
        for expr in sorted(apart):
            answers[expr] = self._alone(expr, ask)
        return answers

    def _chunk(self, chunk: Sequence[str], ask: Callable[[str], Answer]) -> dict[str, Answer]:
        if len(chunk) == 1:
            return {chunk[0]: self._alone(chunk[0], ask)}
        answer = ask(joined([self._vector(expr) for expr in chunk]))
        if isinstance(answer, Samples):
            return taken_apart(chunk, answer)
        if isinstance(answer, BadQuery):
            half = len(chunk) // 2
            return self._chunk(chunk[:half], ask) | self._chunk(chunk[half:], ask)
        return dict.fromkeys(chunk, answer)

    def _vector(self, expr: str) -> str:
        """Give `expr` as a vector in brackets; the parser is asked once, since rules are read again and again."""
        vector = self._branches.get(expr)
        if vector is None:
            if len(self._branches) >= KEPT:
                self._branches.clear()
            vector = self._branches[expr] = bracketed(expr)
        return vector

    def _alone(self, expr: str, ask: Callable[[str], Answer]) -> Answer:
        answer = ask(expr)
        with self._lock:
            if isinstance(answer, BadQuery):
                self._apart.add(expr)
            elif isinstance(answer, Samples):
                self._apart.discard(expr)
        return answer


def _chunks(exprs: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for expr in exprs:
        if chunk and (len(chunk) == MOST or length + len(expr) > LONGEST):
            yield chunk
            chunk, length = [], 0
        chunk.append(expr)
        length += len(expr)
    if chunk:
        yield chunk


def bracketed(expr: str) -> str:
    """Give `expr` as a vector in brackets; line ends keep a comment at its end from swallowing what follows."""
    return f"vector(\n{expr}\n)" if is_scalar(expr) else f"(\n{expr}\n)"


def joined(vectors: Sequence[str]) -> str:
    """Give one query of bracketed `vectors` whose samples carry the number of theirs in the label `MARK`."""
    marked = [f'label_replace({one}, "{MARK}", "{number}", "", "")' for number, one in enumerate(vectors)]
    return _tree(marked)


def _tree(branches: Sequence[str]) -> str:
    """A balanced tree: `or` looks every sample up in its left side, and a chain would do so once for each branch."""
    if len(branches) == 1:
        return branches[0]
    half = len(branches) // 2
    return f"({_tree(branches[:half])} or {_tree(branches[half:])})"


def is_scalar(expr: str) -> bool:
    """Whether `expr` gives one number rather than a vector, so that it cannot carry a label. False where unreadable."""
    try:
        return _scalar(promql_parser.parse(expr))
    except ValueError:
        return False


def _scalar(node: object) -> bool:
    match node:
        case promql_parser.NumberLiteral():
            return True
        case promql_parser.Call():
            return bool(node.func.return_type == promql_parser.ValueType.Scalar)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _scalar(node.expr)
        case promql_parser.BinaryExpr():
            return _scalar(node.lhs) and _scalar(node.rhs)
        case _:
            return False


def taken_apart(exprs: Sequence[str], answer: Samples) -> dict[str, Answer]:
    """Give each expression its samples, without the mark; one without samples has an empty answer.

    A sample without a mark of ours answers something else, and then nothing has been answered.
    """
    found: list[list[Sample]] = [[] for _ in exprs]
    for sample in answer.samples:
        marked = _marked(sample.labels)
        if marked is None or marked[0] not in range(len(exprs)):
            return dict.fromkeys(exprs, Unanswered("the answer does not tell apart what was asked together"))
        number, labels = marked
        found[number].append(Sample(labels, sample.value))
    return {expr: Samples(tuple(samples), answer.remarks) for expr, samples in zip(exprs, found, strict=True)}


def _marked(labels: Labels) -> tuple[int, Labels] | None:
    """Give the number, and the labels without it; None where there is none.

    The mark sorts before every label but the metric's name, or one that begins with a capital letter.
    """
    for place, (name, value) in enumerate(labels):
        if name == MARK:
            rest = labels[:place] + labels[place + 1 :]
            return (int(value), rest) if _NUMBER.fullmatch(value) else None
    return None
