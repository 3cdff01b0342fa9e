"""The shipped rules: the playbook whole, without a finding, within Slack's limits; and files mutated at random."""

import random
import re
from pathlib import Path

import pytest

from monitor.core.model import Tier
from monitor.core.rules.rule import Resolve
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Availability, ErrorRatio, Latency, Query
from monitor.files import Severity, load

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    loaded = load(RULES, fallback_channel="C0OPS", fallback_responders=("S0ONCALL",))
    assert loaded.findings == ()
    assert loaded.rules is not None
    return loaded.rules


PLAYBOOK = [
    ("5xx above 2 % on critical APIs", "CriticalApiErrors", Tier.PREPARE, ErrorRatio, "above", 0.02, 300),
    ("p95 more than 50 % over baseline", "CriticalApiLatency", Tier.PREPARE, Latency, "above", 0.5, 300),
    ("billing or admin unavailable", "EndpointUnavailable", Tier.PREPARE, Availability, "below", 0.5, 300),
    ("data integrity at risk", "DataIntegrityAtRisk", Tier.ROLLBACK, Query, "above", 0, 0),
    ("login failing by its requests", "LoginFailing", Tier.ROLLBACK, ErrorRatio, "above", 0.2, 0),
    ("login failing by its probe", "LoginProbeFailing", Tier.ROLLBACK, Availability, "below", 0.5, 0),
    ("invoice generation failing", "InvoiceGenerationFailing", Tier.ROLLBACK, ErrorRatio, "above", 0.2, 0),
    ("invoice status transitions failing", "InvoiceTransitionsFailing", Tier.ROLLBACK, ErrorRatio, "above", 0.2, 0),
]


@pytest.mark.parametrize(
    ("alert", "tier", "kind", "side", "limit", "hold"), [row[1:] for row in PLAYBOOK], ids=[row[0] for row in PLAYBOOK]
)
def test_the_playbook_is_covered(
    rules: RuleSet, alert: str, tier: Tier, kind: type, side: str, limit: float, hold: int
) -> None:
    rule = rules.rule(alert)
    assert rule is not None
    assert isinstance(rule.signal, kind)
    written = rule.tier(tier)
    assert written is not None
    assert (getattr(written, side), written.hold) == (limit, hold)
    assert len(rule.tiers) == 1


def test_nothing_else_is_shipped(rules: RuleSet) -> None:
    assert {rule.alert for group in rules.groups for rule in group.rules} == {row[1] for row in PLAYBOOK}


def test_rollbacks_are_evaluated_every_5_seconds(rules: RuleSet) -> None:
    times = {group.name: (group.interval, group.query_offset) for group in rules.groups}
    assert times == {"critical-apis": (15, 10), "billing-admin": (15, 10), "rollback": (5, 5)}


def test_only_a_person_ends_a_risk_to_the_data(rules: RuleSet) -> None:
    by_person = [rule.alert for group in rules.groups for rule in group.rules if rule.resolve is Resolve.BY_PERSON]
    assert by_person == ["DataIntegrityAtRisk"]


def test_failures_are_joined_to_the_requests(rules: RuleSet) -> None:
    rule = rules.rule("LoginFailing")
    assert rule is not None
    assert isinstance(rule.signal, ErrorRatio)
    assert rule.signal.failures == 'http_requests_total{job="auth",route=~"/login|/session",code=~"5.."}'


def test_summaries_fit_a_lock_screen(rules: RuleSet) -> None:
    for group in rules.groups:
        for rule in group.rules:
            assert len(dict(rule.annotations)["summary"]) <= 110, rule.alert


def test_the_route_falls_back_to_the_settings(rules: RuleSet) -> None:
    assert (rules.routing.environment, rules.routing.reopen_within) == ("production", 1800)
    assert (rules.routing.default.channel, rules.routing.default.responders) == ("C0OPS", ("S0ONCALL",))


def test_the_procedure_has_the_seven_steps(rules: RuleSet) -> None:
    procedure = rules.procedures["rollback"]
    steps = {step.id: step for step in procedure.steps}
    assert list(steps) == ["declare", "target", "flags", "services", "migrations", "verify", "close"]
    assert [wave.services[0] for wave in steps["services"].waves] == ["auth", "web"]
    assert [choice.needs_approver for choice in steps["migrations"].choose] == [False, False, True, True]
    checks = {check.kind: check for check in steps["verify"].checks}
    assert checks["command"].argv == ("python3", "tools/release_preflight.py", "--quick")
    assert set(checks) == {"signals", "command", "promql", "http"}
    assert "AGENT_WRITE_ACTIONS_ENABLED=false" in steps["flags"].commands[0].run


def test_the_whole_card_is_short(rules: RuleSet) -> None:
    text = "".join(repr(step) for step in rules.procedures["rollback"].steps)
    assert len(text) < 13_000
    assert max(len(repr(step)) for step in rules.procedures["rollback"].steps) < 2_900


def test_the_digest_names_the_content(tmp_path: Path) -> None:
    digests: set[str] = set()
    for name, text in [("a.yaml", "groups: []\n"), ("a.yaml", "groups: [] \n"), ("b.yaml", "groups: []\n")]:
        folder = tmp_path / str(len(digests))
        folder.mkdir()
        (folder / name).write_text(text)
        loaded = load(folder)
        assert loaded.rules is not None
        digests.add(loaded.rules.digest)
    assert len(digests) == 3


# --- mutations ----------------------------------------------------------------------------------------------------

PIECES = [
    *("{", "}", "[", "]", ":", ": ", "- ", "'", '"', "|", ">", "#", "%", "@", "\\", "(", ")", "{{", "}}"),
    *("&a ", "*a", "!!str ", "\t", "\n", "\n\n---\n", "é", "\x00", "\x85", "\u2028", "\ufeff"),
    *("$labels.x", "0", "1e9", "-", ".nan", "yes", "~", "null", "by: [pod]"),
]
FILES = sorted(path.relative_to(RULES) for path in RULES.rglob("*.yaml") if path.parent.name != "tests")


def mutated(text: str, chance: random.Random) -> bytes:
    """Cut, double, swap or insert a few times, as a careless hand or a half-written file would."""
    for _ in range(chance.randint(1, 4)):
        start, end = sorted(chance.randint(0, len(text)) for _ in range(2))
        end = min(end, start + 60)
        lines = text.split("\n")
        match chance.randrange(6):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + text[start:end] + text[end:]
            case 2:
                text = text[:start] + chance.choice(PIECES) + text[start:]
            case 3:
                text = text[:start]
            case 4:
                chance.shuffle(lines)
                text = "\n".join(lines)
            case _:
                words = re.findall(r"[\w%.]+", text) or ["x"]
                text = text.replace(chance.choice(words), chance.choice([*words, *PIECES]), chance.randint(1, 3))
    content = text.encode()
    if chance.random() < 0.1:
        spot = chance.randint(0, len(content))
        content = content[:spot] + bytes([chance.randrange(256)]) + content[spot:]
    return content


@pytest.mark.parametrize("seed", range(8))
def test_mutated_files_give_findings_and_never_an_exception(tmp_path: Path, seed: int) -> None:
    originals = {path: (RULES / path).read_text() for path in FILES}
    for inner in ("procedures", "drills"):
        (tmp_path / inner).mkdir()
    chance = random.Random(seed)  # a repeatable test, no secret
    refused = 0
    for _ in range(50):
        chosen = chance.choice(FILES)
        for path, text in originals.items():
            (tmp_path / path).write_bytes(mutated(text, chance) if path == chosen else text.encode())
        loaded = load(tmp_path)
        errors = [finding for finding in loaded.findings if finding.severity is Severity.ERROR]
        assert (loaded.rules is None) == bool(errors)
        assert all(
            finding.place.line > 0 and finding.place.column > 0 and finding.message for finding in loaded.findings
        )
        refused += bool(errors)
    assert refused > 20, "mutations that change nothing test nothing"
