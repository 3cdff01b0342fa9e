"""What the monitor sees of a procedure for itself, among real parts on the shipped fakes."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from monitor.adapters.memory.world import ScriptedProber, ScriptedRegistry
from monitor.core.actor import MONITOR
from monitor.core.incidents.procedureevents import ChangesFound
from monitor.core.model import Sample, Tier, labels_of
from monitor.core.pages.page import ActionKind, Page, Scene
from monitor.core.pages.render import render
from monitor.core.procedures.procedure import Check, Does, Procedure, Step, Wave
from monitor.core.procedures.progress import current
from monitor.core.procedures.proposals import THERE
from monitor.core.procedures.verification import Outcome
from monitor.core.releases.breakdown import RouteShare
from monitor.core.releases.release import Changed, What, WhatChanged
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.service import Labelled, Releases, Service
from monitor.core.rules.signal import ErrorRatio
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.reading import Reader
from monitor.people.requesting import Request
from monitor.ports.metrics import Answer, Samples, Unanswered
from monitor.ports.world import Availability, Present, Status
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.procedure.checks import Asking
from monitor.procedure.following import AGAIN_AFTER, VERIFY_EVERY, Follower
from monitor.procedure.releases import ReleaseWatch
from monitor.procedure.signalwatch import SignalWatch
from monitor.procedure.verification import Verifier
from tests.middle.house import INTERVAL, QUIET, WORST, House, group, rule, rule_set
from tests.middle.test_procedure import IC

PAGE = "http://shop/login"
PLAN = Procedure(
    "rollback",
    "Roll back",
    (
        Step("declare", "Declare", does=Does.FREEZE),
        Step("target", "Pin", does=Does.PIN),
        Step("services", "Services", waves=(Wave("Backend", ("auth",)),)),
        Step("verify", "Verify", checks=(Check("http", "The login page answers", PAGE),)),
        Step("close", "Close", does=Does.END),
    ),
    verify_for=60,
)
AUTH = Service("auth", Labelled("build", "version"), image="registry/auth:{version}")


def following(house: House, registry: ScriptedRegistry | None = None, verifier: Verifier | None = None) -> Follower:
    """What follows the incidents of `house`."""
    reader = Reader(house.source, Baselines(house.source))
    checks = verifier or Verifier(
        SignalWatch(reader, house.book, house.clock), Asking(house.source, ScriptedProber({}), None, ()), house.clock
    )
    releases = ReleaseWatch(house.source, lambda _releases: registry)
    where = BreakdownWatch(house.source, reader)
    return Follower(house.store, house.desk, house.clock, house.book, house.source, releases, where, checks)


class Followed:
    """A rollback of the login, and what is seen of it; `runs` are the versions of auth that run."""

    def __init__(self) -> None:
        self.house = House(group("critical", rule("Login", rollback=0)), procedure=PLAN)
        rules = self.house.book.now.rules
        self.house.build(replace(rules, releases=Releases((AUTH,), "registry")))
        self.runs: tuple[str, ...] | None = ("2.14.0",)
        self.house.answer = self._versions
        self.registry = ScriptedRegistry()
        self.prober = ScriptedProber({PAGE: Status(500)})
        self.begin()
        self.house.says("Login", WORST)
        self.house.tick()

    def begin(self) -> None:
        """Put it together; once more is a restart of the process."""
        house = self.house
        watch = SignalWatch(Reader(house.source, Baselines(house.source)), house.book, house.clock)
        self.verifier = Verifier(watch, Asking(house.source, self.prober, None, ()), house.clock)
        self.follower = following(house, self.registry, self.verifier)

    def _versions(self, expr: str, at: int) -> Answer | None:  # noqa: ARG002  # the source's own signature
        if "build" not in expr:
            return None
        if self.runs is None:
            return Unanswered("it is away")
        return Samples(tuple(Sample(labels_of({"version": one}), 1.0) for one in self.runs))

    def asks(self, action: ActionKind, **words: str) -> None:
        self.house.commands.carry_out(Request("INC-0001", action, IC, "", words))

    def look(self, seconds: int = 0) -> list[str]:
        """Let time pass and look; give the kinds of what was seen anew."""
        before = len(self.house.kinds())
        if seconds:
            self.house.walk(seconds)
        for name in self.follower.look():
            self.follower.verify(name)
        return [one for one in self.house.kinds()[before:] if one not in {"alert_resolved", "snapshot"}]

    @property
    def step(self) -> str:
        progress = self.house.incident().progress
        found = current(progress) if progress else None
        return found.id if found else ""

    def outcomes(self) -> list[Outcome]:
        progress = self.house.incident().progress
        return [one.outcome for one in progress.results] if progress else []


@pytest.fixture
def followed() -> Iterator[Followed]:
    one = Followed()
    yield one
    one.verifier.stop(5)


def rolled_back(followed: Followed) -> None:
    """The target is pinned and runs."""
    followed.asks(ActionKind.START)
    followed.asks(ActionKind.PIN, other="auth 2.13.4")
    followed.registry.images["registry/auth:2.13.4"] = Present("sha256:1")
    followed.look()
    followed.runs = ("2.13.4",)
    followed.look()
    followed.look()


class Slow(ScriptedRegistry):
    """A registry that has every image, and takes so long that somebody acts meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def available(self, image: str, *, deadline: float) -> Availability:
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()
        self.images[image] = Present("sha256:1")
        return super().available(image, deadline=deadline)


def test_a_target_that_somebody_changed_while_a_registry_was_asked_stays_changed(followed: Followed) -> None:
    followed.asks(ActionKind.START)
    followed.asks(ActionKind.PIN, other="auth 2.13.4")
    followed.registry = Slow(lambda: followed.asks(ActionKind.PIN, other="auth 2.12.0"))
    followed.begin()
    followed.look()
    progress = followed.house.incident().progress
    assert progress is not None
    assert [(one.pinned.target, one.pinned.confirmed) for one in progress.services] == [("2.12.0", "")]
    followed.look(int(AGAIN_AFTER))
    progress = followed.house.incident().progress
    assert progress is not None
    assert [(one.pinned.target, one.pinned.confirmed) for one in progress.services] == [("2.12.0", THERE)]


def test_what_changed_is_looked_for_once_and_again_where_it_could_not_be_read(followed: Followed) -> None:
    assert followed.look() == ["changes_found"]
    assert followed.house.incident().changes is not None
    assert followed.look(15) == []


class Failing:
    """Two rules of failing requests; `codes` are those that half of the requests end with now."""

    def __init__(self) -> None:
        self.house = House(group("critical", rule("Login", rollback=0)))
        self.codes: set[str] = {"500"}
        self.asked = 0
        self.house.build(rule_set(group("critical", self._rule("Login", "500"), self._rule("Slots", "503"))))
        self.house.answer = self._answer
        self.follower = following(self.house)

    @staticmethod
    def _rule(alert: str, code: str) -> Rule:
        tier = TierRule(Tier.ROLLBACK, above=0.2, below=None, hold=0, window=60)
        return Rule(alert, ErrorRatio("requests", f'requests{{code="{code}"}}', (), 60), (tier,), service="auth")

    def _answer(self, expr: str, _at: int) -> Answer:
        if "route" not in expr:
            failing = [code for code in ("500", "503") if f'"{code}"' in expr]
            return Samples((Sample((), 100.0 if not failing else 50.0 * (failing[0] in self.codes)),))
        self.asked += 1
        if "by (route)" not in expr:
            return Samples(())
        return Samples((Sample((), 2.0) if expr.startswith("count(") else Sample((("route", "/login"),), 40.0),))

    def look(self, seconds: int = 0) -> int:
        """Let time pass and look; give how often it was looked for."""
        self.house.walk(seconds)
        self.follower.look()
        return self.house.kinds().count("breakdown_found")


def test_where_it_fails_is_looked_for_once_and_again_when_more_fires() -> None:
    failing = Failing()
    failing.house.tick()
    assert failing.look() == 1, "in the same look, so that the page is edited once"
    found = failing.house.incident().breakdown
    assert found is not None
    assert [one.routes for one in found.by_route] == [(RouteShare("/login", 40, 40),)]
    asked = failing.asked
    assert (failing.look(120), failing.asked) == (1, asked), "nothing more fires"
    failing.codes.add("503")
    assert failing.look(int(AGAIN_AFTER)) == 2
    found = failing.house.incident().breakdown
    assert found is not None
    assert [one.key.alert for one in found.by_route] == ["Login", "Slots"]


def test_where_a_change_is_known_nobody_looks_where_it_fails() -> None:
    failing = Failing()
    failing.house.tick()
    now = failing.house.clock.now()
    released = Changed("auth", What.RELEASE, "1", "2", now)
    event = ChangesFound(now, MONITOR, WhatChanged(now, now, (released,), (), (What.RELEASE,)))
    failing.house.desk.act("INC-0001", lambda _now: (event,))
    assert (failing.look(), failing.asked) == (0, 0)


def test_a_typed_target_is_confirmed_by_its_registry(followed: Followed) -> None:
    followed.asks(ActionKind.START)
    followed.asks(ActionKind.PIN, other="auth 2.13.4")
    assert followed.step == "target"
    assert "targets_pinned" not in followed.look()
    followed.registry.images["registry/auth:2.13.4"] = Present("sha256:1")
    seen = followed.look(int(AGAIN_AFTER))
    assert seen[-2:] == ["targets_pinned", "step_done"]
    progress = followed.house.incident().progress
    assert progress is not None
    assert progress.services[0].pinned.confirmed == THERE
    assert followed.step == "services"


def test_versions_are_written_when_they_change_and_never_from_no_answer(followed: Followed) -> None:
    followed.asks(ActionKind.START)
    followed.asks(ActionKind.PIN, other="auth 2.13.4")
    followed.asks(ActionKind.DONE)
    assert "versions_seen" in followed.look()
    assert followed.look() == []
    followed.runs = None
    assert followed.look(15) == []
    followed.runs = ("2.13.4", "2.14.0")
    assert followed.look() == ["versions_seen"]
    assert followed.step == "services"
    followed.runs = ("2.13.4",)
    assert followed.look() == ["versions_seen", "step_done"]
    assert followed.step == "verify"
    assert followed.look() == ["checks_run"]


def test_a_service_that_drifts_opens_its_step_again(followed: Followed) -> None:
    rolled_back(followed)
    assert followed.step == "verify"
    followed.runs = ("2.13.4", "2.14.0")
    followed.look()
    assert followed.step == "services"


def test_checks_go_from_red_to_held_and_the_time_unseen_does_not_count(followed: Followed) -> None:
    rolled_back(followed)
    assert followed.outcomes() == [Outcome.FAILED, Outcome.FAILED]
    followed.house.says("Login", QUIET)
    followed.prober.answers[PAGE] = Status(200)
    followed.look(45)
    assert followed.outcomes()[1] is Outcome.PASSED
    followed.house.says("Login", None)
    followed.look(120)
    assert followed.outcomes()[0] is not Outcome.PASSED, "nothing was seen meanwhile"
    assert followed.step == "verify"
    followed.house.says("Login", QUIET)
    for _ in range(6):
        followed.look(int(VERIFY_EVERY))
    assert followed.outcomes() == [Outcome.PASSED, Outcome.PASSED]
    assert followed.step == "close"


def test_what_cannot_be_seen_any_more_is_told_at_once_and_what_is_seen_again_too(followed: Followed) -> None:
    rolled_back(followed)
    followed.house.says("Login", QUIET)
    followed.prober.answers[PAGE] = Status(200)
    followed.look(int(VERIFY_EVERY))
    followed.look(int(VERIFY_EVERY))

    def page() -> Page:
        incident = followed.house.incident()
        return render(Scene(incident, followed.house.clock.now(), {}))

    assert "cannot see" not in page().headline
    followed.house.says("Login", None)
    assert "checks_run" in followed.look(2 * int(VERIFY_EVERY))
    assert ", cannot see: " in page().headline
    (note,) = page().notes
    assert note.startswith("Not proven while it cannot be seen. ")
    assert note.endswith(", and the clock stands.")
    assert "checks_run" not in followed.look(int(VERIFY_EVERY)), "it is told once"
    followed.house.says("Login", QUIET)
    assert "checks_run" in followed.look(2 * int(VERIFY_EVERY))
    assert page().notes == ()


def test_a_check_that_fails_after_it_held_keeps_it_from_ending(followed: Followed) -> None:
    rolled_back(followed)
    followed.house.says("Login", QUIET)
    followed.prober.answers[PAGE] = Status(200)
    for _ in range(8):
        followed.look(int(VERIFY_EVERY))
    assert followed.step == "close"
    followed.prober.answers[PAGE] = Status(500)
    followed.look(int(VERIFY_EVERY))
    assert followed.step == "verify"
    followed.asks(ActionKind.END)
    assert followed.house.incident().is_open
    assert followed.house.kinds()[-1] == "refused"


def test_a_restart_in_the_middle_goes_on_where_it_was(followed: Followed) -> None:
    rolled_back(followed)
    followed.house.says("Login", QUIET)
    followed.prober.answers[PAGE] = Status(200)
    followed.look(int(VERIFY_EVERY))
    followed.verifier.stop(5)
    followed.house.build(followed.house.book.now.rules)
    followed.begin()
    for _ in range(8):
        followed.look(int(VERIFY_EVERY))
    assert followed.step == "close"
    followed.asks(ActionKind.END)
    assert not followed.house.incident().is_open
    assert followed.look(INTERVAL) == []


def test_results_stay_fresh_while_nothing_changes(followed: Followed) -> None:
    rolled_back(followed)
    followed.house.says("Login", QUIET)
    followed.prober.answers[PAGE] = Status(200)
    for _ in range(8):
        followed.look(int(VERIFY_EVERY))
    before = followed.house.kinds().count("checks_run")
    for _ in range(4 * 15):
        followed.look(int(VERIFY_EVERY))
    assert followed.house.kinds().count("checks_run") == before + 3, "every five minutes"
    followed.asks(ActionKind.END)
    assert not followed.house.incident().is_open
