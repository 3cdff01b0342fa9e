"""What a rehearsal proved: each thing by what was seen of it, and the page that is left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.drill.rehearsed import COLUMNS, Deed, Proof, Seen, page, proofs

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECONDS = {"T0": 0, "T1": 2, "T2": 2, "T3": 3, "T4": 14, "T5": 21, "T12": 30}
MOMENTS: dict[str, datetime | None] = {letter: T0 + timedelta(seconds=one) for letter, one in SECONDS.items()}
ACKED = Deed("Ana", T0 + timedelta(seconds=14), in_slack=True)
LED = Deed("Ben", T0 + timedelta(seconds=21), in_slack=True)
WHOLE = Seen("DRILL-0007", True, "C0DRILL", MOMENTS, ACKED, LED)  # noqa: FBT003  # Slack

CASES: list[tuple[str, Seen, list[str]]] = [
    ("everything", WHOLE, []),
    ("no page was taken", replace(WHOLE, moments=MOMENTS | {"T3": None}), ["page: the rule fired, and Slack did not"]),
    ("nothing fired", replace(WHOLE, moments=MOMENTS | {"T2": None}), ["page: the rule did not fire"]),
    ("nobody acknowledged", replace(WHOLE, acknowledged=None), ["acknowledgement: nobody acknowledged"]),
    ("nobody took command", replace(WHOLE, commanded=None), ["responders: nobody took command"]),
    (
        "all of it from a shell",
        replace(WHOLE, acknowledged=replace(ACKED, in_slack=False), commanded=replace(LED, in_slack=False)),
        ["buttons: no click came from Slack"],
    ),
    ("without Slack", replace(WHOLE, slack=False), ["Slack: not set up"]),
    (
        "something real came",
        replace(WHOLE, aborted="given up by INC-0146: INC-0146 is real"),
        ["drill: given up by INC-0146"],
    ),
]


@pytest.mark.parametrize(("seen", "missing"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_is_not_proven_is_named_with_its_mend(seen: Seen, missing: list[str]) -> None:
    wrong = [one for one in proofs(seen) if one.ok is False]
    assert len(wrong) == len(missing)
    for one, begins in zip(wrong, missing, strict=True):
        assert one.what.startswith(begins)
        assert one.mend


def test_the_page_says_it_first_and_fits_a_terminal() -> None:
    more = Proof(None, "rollback pages Slack only", "Do Not Disturb will swallow it; name another pager in `page`")
    found = [*proofs(replace(WHOLE, commanded=None)), more]
    text = page(WHOLE, found, "incomplete", "ana")
    lines = text.splitlines()
    assert lines[0] == "# DRILL (not real): DRILL-0007, a rehearsal: 1 of 5 things not proven"
    assert max(map(len, lines)) <= COLUMNS
    assert "- [x] acknowledgement: Ana, after 14 s, in Slack" in lines
    assert "- [ ] responders: nobody took command. Mend: press Start rollback… as one of" in lines
    assert "| T4 | Acknowledged | 10:00:14 | 14 s |" in lines
