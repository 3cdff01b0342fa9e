"""The checker of histories finds every kind of fault that is put into one, and none where there is none."""

from dataclasses import replace

import pytest

from tests.faults.checker import Breach, Called, Click, Did, Fired, Run, Told, check

T = 1_700_000_000
KEYS = ("INC-0001/C0OPS/root/0", "INC-0002/C0OPS/root/0", "INC-0003/C0OPS/root/0")
PAGES = ("production/INC-0001", "production/INC-0002", "production/INC-0003")
SINCE = (T, T + 20, T + 60)
CAME = (T + 3.0, T + 30.5, T + 90.0)
PAGED = (T + 3.0, T + 30.0, T + 63.0)


def fired(number: int) -> Fired:
    return Fired(
        f"INC-000{number + 1}", SINCE[number], "rollback", KEYS[number : number + 1], PAGES[number : number + 1]
    )


def call(number: int, at: float, stance: str, pager: str = "pagerduty") -> Called:
    return Called(pager, PAGES[number], at, stance)


GOOD = Run(
    breaches=(Breach(T, T + 3), Breach(T + 20, T + 24), Breach(T + 60, T + 80)),
    told=tuple(
        Told(key, at, "ROLLBACK NOW production: login", in_thread=False) for key, at in zip(KEYS, CAME, strict=True)
    ),
    fired=tuple(fired(number) for number in range(3)),
    did=(
        Did("U0ANA", "acknowledged", "U0ANA/acknowledge/1"),
        Did("U0EVE", "refused", "U0EVE/start/2"),
        Did("cli", "acknowledged"),
    ),
    away=((T + 19.0, T + 27.0),),
    may={
        "U0ANA": frozenset({"acknowledged", "procedure_started", "refused"}),
        "U0EVE": frozenset({"acknowledged", "refused"}),
        "cli": frozenset({"acknowledged"}),
    },
    refusing=((T + 55.0, T + 85.0),),
    clicks=(
        Click("U0ANA/acknowledge/1", "U0ANA", "acknowledged", "INC-0001", answered=T + 5.0),
        Click("U0EVE/start/2", "U0EVE", "procedure_started", "INC-0001", answered=T + 6.0),
        Click("U0ANA/start/3", "U0ANA", "procedure_started", "INC-0001", answered=T + 12.0),
        Click("U0ANA/start/4", "U0ANA", "procedure_started", "INC-0002"),
        Click("U0MAL/start/5", "U0MAL", "procedure_started", "INC-0002", answered=T + 33.0),
        Click("U0ANA/start/6", "U0ANA", "procedure_started", "INC-0002", answered=T + 33.0, genuine=False),
    ),
    over={"INC-0001": T + 11.0},
    calls=(
        *(call(number, at, "triggered") for number, at in enumerate(PAGED)),
        call(0, T + 6.0, "acknowledged"),
        call(0, T + 7.0, "triggered"),
        *(call(number, at + 20, "resolved") for number, at in enumerate(PAGED)),
        call(2, T + 69.0, "triggered", "spare"),
        call(2, T + 84.0, "resolved", "spare"),
    ),
    pagers=("pagerduty",),
    spare="spare",
    fallback=3.0,
)
FIRST, SECOND, THIRD = GOOD.told


def without(*calls: Called) -> Run:
    return replace(GOOD, calls=[one for one in GOOD.calls if one not in calls])


SEEDED = [
    ("a breach that fired nothing", "lost", replace(GOOD, fired=GOOD.fired[:1], told=GOOD.told[:1])),
    ("a page that never came", "lost", replace(GOOD, told=(FIRST, THIRD))),
    ("a page that came twice", "doubled", replace(GOOD, told=(*GOOD.told, replace(FIRST, at=T + 4.0)))),
    (
        "a breach that fired twice",
        "doubled",
        replace(GOOD, fired=(*GOOD.fired, Fired("INC-0004", T + 2, "rollback", ()))),
    ),
    ("a page that came late", "late", replace(GOOD, told=(replace(FIRST, at=T + 7.0), SECOND, THIRD))),
    ("a page late after a restart", "late", replace(GOOD, told=(FIRST, replace(SECOND, at=T + 34.0), THIRD))),
    ("a page late with nobody away", "late", replace(GOOD, away=())),
    ("a page late after Slack came back", "late", replace(GOOD, told=(FIRST, SECOND, replace(THIRD, at=T + 92.0)))),
    ("the lesser tier", "wrong_tier", replace(GOOD, told=(replace(FIRST, text="PREPARE production"), SECOND, THIRD))),
    ("a stranger's click", "unauthorised", replace(GOOD, did=(*GOOD.did, Did("U0MAL", "acknowledged")))),
    ("a refusal of a stranger in the record", "unauthorised", replace(GOOD, did=(*GOOD.did, Did("U0MAL", "refused")))),
    (
        "more than one may",
        "unauthorised",
        replace(GOOD, did=(*GOOD.did[:1], Did("U0EVE", "procedure_started", "U0EVE/start/2"))),
    ),
    (
        "a forged click",
        "unauthorised",
        replace(GOOD, did=(*GOOD.did, Did("U0ANA", "procedure_started", "U0ANA/start/6"))),
    ),
    (
        "more than was pressed",
        "unauthorised",
        replace(GOOD, did=(Did("U0ANA", "procedure_started", "U0ANA/acknowledge/1"), *GOOD.did[1:])),
    ),
    ("a click answered before it was written down", "clicks_lost", replace(GOOD, did=GOOD.did[1:])),
    ("a refusal that left nothing", "clicks_lost", replace(GOOD, did=GOOD.did[:1])),
    ("a click that counted twice", "clicks_doubled", replace(GOOD, did=(*GOOD.did, GOOD.did[0]))),
    ("a pager that never heard", "lost", without(call(1, PAGED[1], "triggered"), call(1, PAGED[1] + 20, "resolved"))),
    ("a pager that rings on", "lost", without(call(1, PAGED[1] + 20, "resolved"))),
    (
        "a pager that heard late",
        "late",
        replace(without(GOOD.calls[1]), calls=[*without(GOOD.calls[1]).calls, call(1, T + 34.0, "triggered")]),
    ),
    (
        "a pager paged again after the end",
        "doubled",
        replace(GOOD, calls=[*GOOD.calls, call(0, T + 24.0, "triggered")]),
    ),
    (
        "a pager called for no page",
        "doubled",
        replace(GOOD, calls=[*GOOD.calls, Called("pagerduty", "production/INC-0009", T, "resolved")]),
    ),
    ("nobody called instead of Slack", "lost", without(*GOOD.calls[-2:])),
    (
        "somebody called instead of Slack, but late",
        "lost",
        replace(GOOD, calls=[*GOOD.calls[:-2], call(2, T + 78.0, "triggered", "spare"), GOOD.calls[-1]]),
    ),
]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    nothing = "0 lost, 0 doubled, 0 late, 0 wrong tier, 0 unauthorised, 0 clicks lost, 0 clicks doubled"
    assert str(check(GOOD)) == nothing, check(GOOD)


@pytest.mark.parametrize(("kind", "run"), [row[1:] for row in SEEDED], ids=[row[0] for row in SEEDED])
def test_a_seeded_fault_is_found(kind: str, run: Run) -> None:
    assert len(getattr(check(run), kind)) >= 1


def test_pages_that_waited_for_slack_follow_each_other() -> None:
    also = Fired("INC-0003", T + 61, "rollback", ("INC-0003/C0OPS/broadcast/2",), PAGES[2:])
    run = replace(GOOD, fired=(*GOOD.fired, also), breaches=())
    waiting = Told(also.owed[0], T + 91.5, "ROLLBACK NOW production: login", in_thread=True)
    assert not check(replace(run, told=(*run.told, waiting))).late
    late = replace(run, told=(*run.told, replace(waiting, at=T + 92.5)))
    assert check(late).late
    assert not check(replace(late, away=(*run.away, (T + 89.5, T + 90.0)))).late, "it was killed between the two"
