"""Silences over HTTP: reading is open, changing asks for the token, and what is wrong is a sentence."""

from collections.abc import Iterator

import pytest

from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher, MatchOp
from tests.middle.house import BAD, House, group, rule
from tests.web.test_app import TOKEN, UNTRUSTED, Server, serve

SILENCES = "/api/v1/silences"
WANTED = {"as": "ana", "match": ['job="errors"'], "for": "2h", "reason": "load test"}
NIGHT = Maintenance("close", (Matcher("job", MatchOp.EQUAL, 'a"b'),), 22 * 60, 2 * 60, zone="Europe/Berlin")


@pytest.fixture
def server() -> Iterator[Server]:
    house = House(group("critical", rule("Errors", prepare=0)), maintenance=(NIGHT,))
    yield from serve(house, house.commands)


def test_a_silence_is_made_and_shown_with_what_it_hides(server: Server) -> None:
    status, _ = server.ask(SILENCES, WANTED)
    server.house.says("Errors", BAD)
    server.house.tick()
    listed = server.read(SILENCES)
    (one,) = listed["silences"]
    assert (status, one["id"], one["in_force"], one["hidden"]) == (200, 1, True, 1)
    assert one["hiding"] == ['Errors{job="errors"}[prepare]']
    assert (one["starts_at"], one["ends_at"]) == ("2025-03-04T03:00:10Z", "2025-03-04T05:00:10Z")
    assert server.read("/api/v1/incidents")["incidents"] == []


def test_a_silence_is_ended_once(server: Server) -> None:
    server.ask(SILENCES, WANTED)
    status, _ = server.ask(f"{SILENCES}/1/expire", {"as": "bob"})
    (one,) = server.read(SILENCES)["silences"]
    assert (status, one["in_force"], one["expired_by"]) == (200, False, "bob")
    assert server.refusal(f"{SILENCES}/1/expire", {"as": "bob"}) == (409, "Silence 1 ended at 03:00 UTC already.")


def test_maintenance_windows_are_shown(server: Server) -> None:
    assert server.read(SILENCES)["maintenance"] == [
        {
            "name": "close",
            "match": ['job="a\\"b"'],
            "tiers": ["prepare"],
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "from": "22:00",
            "to": "02:00",
            "zone": "Europe/Berlin",
            "in_force": False,
            "until": None,
            "hidden": 0,
            "hiding": [],
        }
    ]


WRONG = [
    ("no token", SILENCES, WANTED, "", 401, UNTRUSTED),
    ("no token to end one", f"{SILENCES}/1/expire", {"as": "ana"}, "x", 401, UNTRUSTED),
    ("nobody", SILENCES, {**WANTED, "as": ""}, TOKEN, 400, "Say who you are"),
    ("no JSON", SILENCES, b"{", TOKEN, 400, "Not understood"),
    ("a list", SILENCES, [], TOKEN, 400, "Not understood"),
    ("matchers as a text", SILENCES, {**WANTED, "match": "a"}, TOKEN, 409, "`match` and `tiers` are lists"),
    ("rollback", SILENCES, {**WANTED, "tiers": ["rollback"]}, TOKEN, 409, "The rollback tier cannot be silenced"),
    ("no length", SILENCES, {**WANTED, "for": None}, TOKEN, 409, "`None` is no duration"),
    ("no such silence", f"{SILENCES}/9/expire", {"as": "ana"}, TOKEN, 404, "There is no silence 9."),
]


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "why"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_is_wrong_is_answered_and_changes_nothing(
    server: Server, path: str, body: object, token: str, status: int, why: str
) -> None:
    code, sentence = server.refusal(path, body, token)
    assert (code, sentence.startswith(why)) == (status, True), sentence
    assert server.read(SILENCES)["silences"] == []
