"""Which tests each of several processes begins with. Knows nothing of what the tests are about."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def dealt(tests: Sequence[T], is_long: Callable[[T], bool], processes: int) -> Iterator[T]:
    """Give `tests` in another order: each process begins with its part of the long ones, the quick ones fill it up.

    Each process is taken to begin with as many consecutive tests as any other, as `--dist worksteal` has it; who is
    ready first goes on with the last ones of another.
    """
    long = [test for test in tests if is_long(test)]
    quick = (test for test in tests if not is_long(test))
    left = len(tests)
    for number in range(processes):
        share, mine = left // (processes - number), long[number::processes]
        yield from mine
        yield from islice(quick, max(0, share - len(mine)))
        left -= share
    yield from quick
