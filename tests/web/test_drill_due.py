"""When the next drill is due, over HTTP: reading is open, noting a migration down asks for the token and a name."""

from collections.abc import Iterator

import pytest

from monitor.ruleset.rulesfolder import Outcome
from monitor.runtime.serving import Serving
from monitor.showing import Progress, Showing
from monitor.web import application
from tests.drills.hall import Hall
from tests.middle.house import House
from tests.web.test_app import UNTRUSTED, Around, Server

DUE = "/api/v1/drills/due"
TOKEN = "t" * 20
TOLD = {"as": "ana", "after_migration": "invoices moved"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all: what is refused changes nothing, and what is not comes last."""
    hall = Hall(tmp_path_factory.mktemp("hall"))
    hall.app.duty.look()
    serving = Serving(application(Showing(hall.app, Progress()).inside(Outcome)), "127.0.0.1:0", None)
    url = serving.bind()
    serving.start()
    yield Server(url, Around(), House())
    serving.stop()
    serving.join(5)
    hall.end()


WRONG = [
    ("without the token", TOLD, None, 401, UNTRUSTED),
    ("with another", TOLD, "canary", 401, UNTRUSTED),
    ("by nobody", {"after_migration": "m"}, TOKEN, 400, "Say who you are"),
    ("of nothing", {"as": "ana"}, TOKEN, 400, "Name the migration"),
    ("of a number", {"as": "ana", "after_migration": 7}, TOKEN, 400, "Name the migration"),
    ("of blanks", {"as": "ana", "after_migration": "  "}, TOKEN, 409, "Name the migration"),
    ("of no JSON", b"{", TOKEN, 400, "Not understood"),
]


@pytest.mark.parametrize(("body", "token", "status", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_refused_changes_nothing(
    server: Server, body: object, token: str | None, status: int, said: str
) -> None:
    refused, why = server.refusal(DUE, body, token)
    assert (refused, why.startswith(said)) == (status, True), why
    assert server.read(DUE)["due"]["why"] == "first"


def test_a_migration_is_noted_down_and_shown_with_the_day_that_it_makes_due(server: Server) -> None:
    first = server.read(DUE)["due"]
    assert (first["by"], first["why"], first["known_since"]) == ("2026-06-02", "first", "2026-03-02T10:00:00Z")
    status, _ = server.ask(DUE, TOLD, TOKEN)
    due = server.read(DUE)["due"]
    assert status == 200
    assert (due["by"], due["why"], due["about"]) == ("2026-03-16", "migration", "invoices moved")
    assert (due["ends_at"], due["overdue"], due["counted"]) == ("2026-03-17T00:00:00Z", False, None)
    assert due["migrations"] == [{"at": "2026-03-02T10:00:00Z", "name": "invoices moved"}]
    assert server.refusal(DUE, TOLD, TOKEN) == (409, "The migration invoices moved was noted down today already.")
