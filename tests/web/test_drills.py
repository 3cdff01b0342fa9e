"""Drills over HTTP: what is not understood begins nothing, and what is moves the drill that is named."""

from collections.abc import Iterator

import pytest

from monitor.ruleset.rulesfolder import Outcome
from monitor.runtime.serving import Serving
from monitor.showing import Progress, Showing
from monitor.web import application
from tests.drills.hall import Hall
from tests.middle.house import House
from tests.web.test_app import UNTRUSTED, Around, Server

DRILLS = "/api/v1/drills"
TOKEN = "t" * 20
START = {"as": "ana", "scenario": "login"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all: what is refused changes nothing, and what is not comes last."""
    hall = Hall(tmp_path_factory.mktemp("hall"))
    serving = Serving(application(Showing(hall.app, Progress()).inside(Outcome)), "127.0.0.1:0", None)
    url = serving.bind()
    serving.start()
    yield Server(url, Around(), House())
    serving.stop()
    serving.join(5)
    hall.end()


WRONG = [
    ("without the token", DRILLS, START, None, 401, UNTRUSTED),
    ("by nobody", DRILLS, {"scenario": "login"}, TOKEN, 400, "Say who you are"),
    ("of nothing", DRILLS, {"as": "ana"}, TOKEN, 409, "Say which drill"),
    (
        "of what is not there",
        DRILLS,
        {"as": "ana", "scenario": "x"},
        TOKEN,
        409,
        "There is no drill x. There are billing",
    ),
    (
        "a target in words",
        DRILLS,
        {**START, "recovery_target_s": "15m"},
        TOKEN,
        400,
        "Not understood: `recovery_target_s`",
    ),
    (
        "a target that is true",
        DRILLS,
        {**START, "recovery_target_s": True},
        TOKEN,
        400,
        "Not understood: `recovery_target_s`",
    ),
    (
        "a target beyond time",
        DRILLS,
        {**START, "recovery_target_s": 10**15},
        TOKEN,
        409,
        "The recovery target must lie",
    ),
    ("one who takes part", DRILLS, {**START, "participants": "U0ANA"}, TOKEN, 400, "Not understood: `participants`"),
    ("a name", DRILLS, {**START, "participants": ["ana"]}, TOKEN, 409, "'ana' is no id"),
    (
        "what does not run",
        f"{DRILLS}/DRILL-0001/abort",
        {"as": "ana", "note": "n"},
        TOKEN,
        409,
        "DRILL-0001 does not run",
    ),
    ("what never was", f"{DRILLS}/DRILL-0001/sign-off", {"as": "ana"}, TOKEN, 409, "There is no drill DRILL-0001"),
]


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_is_refused_begins_nothing(
    server: Server, path: str, body: object, token: str | None, status: int, said: str
) -> None:
    refused, why = server.refusal(path, body, token)
    assert (refused, why.startswith(said)) == (status, True), why
    assert server.read(DRILLS)["drills"] == []


def test_a_drill_is_begun_given_up_and_read(server: Server) -> None:
    status, _ = server.ask(DRILLS, {**START, "participants": ["U0ANA", "U0ANA"], "recovery_target_s": 600}, TOKEN)
    begun = server.read(f"{DRILLS}/drill-0001")["drill"]
    assert status == 200
    assert (begun["participants"], begun["recovery_target_s"], begun["result"]) == (["U0ANA"], 600, "running")
    where = f"{DRILLS}/DRILL-0001"
    assert server.refusal(f"{where}/abort", {"as": "ana"}, TOKEN) == (409, "Say why it is given up.")
    assert server.refusal(f"{where}/inject", {"as": "ana"}, TOKEN)[0] == 409
    assert server.refusal(f"{where}/mend", {"as": "ana"}, TOKEN)[1].startswith("There is no 'mend'; there are inject")
    assert server.refusal(DRILLS, START, TOKEN)[1].startswith("DRILL-0001 runs since")
    server.ask(f"{where}/abort", {"as": "ana", "note": "staging is needed"}, TOKEN)
    assert server.read(where)["drill"]["aborted"]["reason"] == "staging is needed"
    told = server.read(f"{where}/report")
    assert "Aborted by ana" in told["report"]
    assert [one["command"] for one in told["result"]["refused"]] == ["abort", "inject", "start"], "there is no mend"
