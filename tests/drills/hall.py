"""A whole monitor put together as the daemon does it, in a world of fakes whose clock is moved by hand."""

import shutil
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from monitor.adapters.memory.world import ManualClock, RecordingPager, ScriptedSource
from monitor.bootstrap.app import App, World, build
from monitor.bootstrap.rulesource import load_rules
from monitor.core.actor import Actor, Role, Source
from monitor.core.drill.log import Drill
from monitor.core.incidents.incident import Incident
from monitor.core.pages.page import ActionKind
from monitor.drills.conductor import Asked, NoDrill
from monitor.drills.hall import Stage
from monitor.drills.stagehand import FOLLOW_EVERY, Stagehand
from monitor.evidence.plotting import Plotting, Unplotted
from monitor.people.requesting import Request
from monitor.ports.metrics import Answer, Samples
from monitor.ports.pager import Message
from monitor.ports.store import Change, KeptRules
from monitor.settings.settings import Settings

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
EVERYTHING = frozenset(Role)
ANA = Actor("ana", "Ana", Source.CLI, EVERYTHING, verified=False)
BEN = Actor("ben", "Ben", Source.CLI, EVERYTHING, verified=False)
EVA = Actor("U0EVA", "Eva", Source.SLACK, frozenset({Role.RESPONDER}))
BOB = Actor("U0BOB", "Bob", Source.SLACK, frozenset({Role.RESPONDER}))
GUEST = Actor("U0GUS", "Gus", Source.SLACK)
STAGING = """
title: Logins fail on staging
trigger: login
alert: LoginFailing
kind: staging
hypothesis: Within 15 minutes the version before serves logins again.
environment: staging
watch: {error_ratio: {requests: 'http_requests_total{env="staging"}', failures: 'code=~"5.."', by: [route]}}
"""


def rules_with_staging(folder: Path) -> Path:
    """Give a copy of the shipped rules with a drill that watches staging, in `folder`."""
    rules = folder / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "drills" / "staging.yaml").write_text(STAGING)
    return rules


class Unanswering(Plotting):
    """A source of evidence that never answers, and may later."""

    def look(self, *_: object, **__: object) -> Unplotted:
        """Give nothing."""
        return Unplotted("nothing answers", again=True)


class Hall:
    """A monitor in which drills are held."""

    def __init__(self, folder: Path, rules: Path = ROOT / "rules") -> None:
        self.clock = ManualClock(START)
        self.pager = RecordingPager()
        self.folder = folder
        self.rules = rules
        self.real: dict[str, Answer] = {}
        self.followed = 0.0
        self.begin()

    def begin(self) -> None:
        """Put it together, as at a start of the daemon."""
        source = ScriptedSource(lambda expr, _at: self.real.get(expr, Samples(())))
        settings = Settings(
            rules=self.rules, database_url=f"sqlite:///{self.folder}/monitor.db", console_token="t" * 20
        )
        self.app: App = build(settings, StringIO(), world=World(self.clock, source, self.pager))
        files = {path.relative_to(self.rules).as_posix(): path.read_bytes() for path in self.rules.rglob("*.yaml")}
        self.app.store.commit(Change(rules=KeptRules(files, self.clock.now())))
        assert load_rules(settings).drills
        self.hand = Stagehand(self.app.hall, self.app.conductor, self.clock)
        self.app.conductor.live = True
        self.app.conductor.resume()

    def end(self) -> None:
        """Let go of everything, as at an end of the daemon."""
        self.app.store.close()
        self.app.hall.close()

    @property
    def stage(self) -> Stage:
        """The side of the drills."""
        return self.app.hall.enter()

    def start(self, scenario: str, by: Actor = ANA) -> Drill:
        """Begin a drill."""
        started = self.app.conductor.start(Asked(scenario, by))
        assert not isinstance(started, NoDrill), started
        return started

    def walk(self, seconds: int) -> None:
        """Let time pass, a second at a time, as the daemon goes round."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.hand.play(self.stage.side)
            if self.clock.monotonic() - self.followed >= FOLLOW_EVERY:
                self.followed = self.clock.monotonic()
                self.hand.follow(self.stage.side)

    def keeps_nothing(self) -> None:
        """From now on evidence is put off, as where nothing that it is made of answers."""
        self.stage.side.evidence.plotting = Unanswering(*[None] * 5)  # type: ignore[arg-type]  # it asks nobody

    def incident(self, name: str) -> Incident:
        """The incident of a drill."""
        found = self.stage.side.store.incident(name)
        assert found is not None
        return found

    def act(self, name: str, action: ActionKind, by: Actor = ANA, subject: str = "", **words: str) -> object:
        """Do something on a drill's incident."""
        return self.app.hall.of(name, self.app.production).commands.carry_out(Request(name, action, by, subject, words))

    def drill(self, name: str) -> Drill:
        """A drill as it stands."""
        return next(one for one in self.stage.log.drills() if one.id == name)

    def delivered(self) -> list[Message]:
        """Everything that the pager was given."""
        return self.pager.messages
