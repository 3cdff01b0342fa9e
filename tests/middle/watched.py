"""A house whose rules come from a folder on disk."""

from pathlib import Path

from monitor import files
from monitor.core.rules.ruleset import RuleSet
from monitor.files import Contents, Severity, read_contents
from monitor.ports.store import NO_INCIDENT
from monitor.queries.plan import plan
from monitor.ruleset.rulesfolder import RulesError, RulesFolder, Start
from tests.middle.house import ROUTE, House, group, rule

RULES = """
groups:
  - name: critical
    rules:
      - alert: Login
        signal: {query: {expr: login, by: [job]}}
        rollback: {above: 25%}
      - alert: Errors
        signal: {query: {expr: errors, by: [job]}}
        prepare: {above: 2%, for: 1m}
"""
STRICTER = RULES.replace("above: 25%", "above: 50%")
WRONG = RULES.replace("above: 25%", "abov: 25%")
ALSO_WRONG = RULES.replace("above: 25%", "abve: 25%")


def load(contents: Contents) -> RuleSet:
    loaded = files.load(contents, fallback_channel=ROUTE.channel, fallback_responders=ROUTE.responders)
    if loaded.rules is None:
        raise RulesError(str(one) for one in loaded.findings if one.severity is Severity.ERROR)
    plan(loaded.rules)
    return loaded.rules


class Watched:
    """A house whose rules come from a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "rules.yaml"
        (folder / "procedures").mkdir(exist_ok=True)
        (folder / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
        (folder / "routing.yaml").write_text("environment: production\n")
        self.file.write_text(RULES)
        self.house = House(group("critical", rule("Login", rollback=0)))
        self.taken: list[str] = []
        self.start(Start(load(self.contents), self.contents, None, self.contents.digest))

    @property
    def contents(self) -> Contents:
        return read_contents(self.folder)

    def start(self, start: Start) -> None:
        """Begin, as a new process would, with what the store has kept."""
        self.house.build(start.rules)
        house = self.house
        self.rules = RulesFolder(start, load, house.reloader, house.desk, house.clock)
        self.rules.begin(lambda rules: self.taken.append(rules.digest))

    def writes(self, text: str) -> None:
        self.file.write_text(text)

    def polls(self, times: int = 2) -> list[bool | None]:
        """Look so often; whether a set was taken (False: refused, None: no news)."""
        outcomes = [self.rules.poll() for _ in range(times)]
        return [None if outcome is None else outcome.report is not None for outcome in outcomes]

    @property
    def limit(self) -> float | None:
        """The limit in force."""
        found = self.house.book.now.rules.rule("Login")
        return found.tiers[0].limit if found else None

    @property
    def notes(self) -> list[str]:
        return [post.said for post in self.house.store.posts(NO_INCIDENT)]

    @property
    def notices(self) -> list[str]:
        return [post.reason for post in self.house.store.posts(NO_INCIDENT)]
