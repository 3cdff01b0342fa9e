"""The checker of histories finds every kind of fault that is put into one, and none where there is none."""

from dataclasses import replace

import pytest

from tests.faults.checker import Breach, Did, Fired, Run, Told, check

T = 1_700_000_000
KEYS = ("INC-0001/C0OPS/root/0", "INC-0002/C0OPS/root/0")
GOOD = Run(
    breaches=(Breach(T, T + 3), Breach(T + 20, T + 24)),
    told=tuple(
        Told(key, at, "ROLLBACK NOW production: login", in_thread=False)
        for key, at in zip(KEYS, (T + 3.0, T + 30.5), strict=True)
    ),
    fired=(Fired("INC-0001", T, "rollback", KEYS[:1]), Fired("INC-0002", T + 20, "rollback", KEYS[1:])),
    did=(Did("U0ANA", "acknowledge"),),
    away=((T + 19.0, T + 27.0),),
    may={"U0ANA": frozenset({"acknowledge"})},
)
FIRST, SECOND = GOOD.told

SEEDED = [
    ("a breach that fired nothing", "lost", replace(GOOD, fired=GOOD.fired[:1], told=GOOD.told[:1])),
    ("a page that never came", "lost", replace(GOOD, told=(FIRST,))),
    ("a page that came twice", "doubled", replace(GOOD, told=(FIRST, replace(FIRST, at=T + 4.0), SECOND))),
    (
        "a breach that fired twice",
        "doubled",
        replace(GOOD, fired=(*GOOD.fired, Fired("INC-0003", T + 2, "rollback", ()))),
    ),
    ("a page that came late", "late", replace(GOOD, told=(replace(FIRST, at=T + 7.0), SECOND))),
    ("a page late after a restart", "late", replace(GOOD, told=(FIRST, replace(SECOND, at=T + 34.0)))),
    ("a page late with nobody away", "late", replace(GOOD, away=())),
    ("the lesser tier", "wrong_tier", replace(GOOD, told=(replace(FIRST, text="PREPARE production"), SECOND))),
    ("a stranger's click", "unauthorised", replace(GOOD, did=(*GOOD.did, Did("U0EVE", "start")))),
    ("more than one may", "unauthorised", replace(GOOD, did=(Did("U0ANA", "start"),))),
]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert str(check(GOOD)) == "0 lost, 0 doubled, 0 late, 0 wrong tier, 0 unauthorised"


@pytest.mark.parametrize(("kind", "run"), [row[1:] for row in SEEDED], ids=[row[0] for row in SEEDED])
def test_a_seeded_fault_is_found(kind: str, run: Run) -> None:
    assert len(getattr(check(run), kind)) >= 1
