"""Keys that are set on the command line are checked like keys of a file."""

from pathlib import Path

import pytest

from monitor.core.model import Tier
from monitor.files import load
from monitor.files.changes import variants
from monitor.files.nodes import WrongError

RULES = """
defaults: {keep_firing_for: 2m}
groups:
  - name: apis
    rules:
      - alert: Errors
        signal: {error_ratio: {requests: 'http_requests_total', failures: 'code=~"5.."', by: [job], window: 1m}}
        prepare: {above: 2%, for: 5m}
        rollback: {above: 25%, for: 30s, confidence: 99%}
      - alert: Busy
        signal: {query: {expr: 'max by (job) (queue)', by: [job]}}
        prepare: {above: 100}
"""
PROMETHEUS = """
groups:
  - name: theirs
    rules:
      - {alert: Down, expr: up < 1, for: 5m, labels: {tier: rollback}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: Back\nsteps: [{id: one, title: One}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\ndefault: {channel: C0}\n")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "theirs.yaml").write_text(PROMETHEUS)
    return tmp_path


def test_every_value_makes_a_variant_and_several_keys_their_product() -> None:
    found = variants(["Errors.prepare.above=1%,2%", "Errors.prepare.for=1m,5m,10m"])
    assert [tuple(one.words for one in some) for some in found][:2] == [
        ("Errors.prepare.above=1%", "Errors.prepare.for=1m"),
        ("Errors.prepare.above=1%", "Errors.prepare.for=5m"),
    ]
    assert len(found) == 6
    assert variants([]) == ((),)


def test_commas_in_brackets_and_quotes_part_nothing() -> None:
    written = [
        'Busy.signal.query.expr=max by (job, zone) (queue{a="b,c"}),min(queue)',
        "Busy.expect=[{job: a}, {job: b}]",
    ]
    found = variants(written)
    assert [some[0].value for some in found] == ['max by (job, zone) (queue{a="b,c"})', "min(queue)"]
    assert {some[1].value for some in found} == {"[{job: a}, {job: b}]"}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (["Errors"], "sets no key"),
        (["Errors=1"], "sets no key"),
        (["Errors.prepare.above="], "sets no key"),
        (["Errors.prepare.above=1%,"], "sets no key"),
        (["Errors..above=1%"], "sets no key"),
        (["Errors.prepare.above=1%", "Errors.prepare.above=2%"], "is set twice"),
        (["A.b=" + ",".join("1" * 20), "A.c=" + ",".join("1" * 20)], "400 combinations"),
    ],
)
def test_what_is_no_change_is_told(written: list[str], words: str) -> None:
    with pytest.raises(WrongError, match=words):
        variants(written)


def test_keys_are_set_wherever_they_stand(folder: Path) -> None:
    written = [
        "Errors.prepare.above=3%",
        "Errors.rollback.guards.min_failures=7",
        "Errors.keep_firing_for=10m",
        "Errors.signal.error_ratio.window=2m",
        "Busy.prepare.clear=50",
        "Down.for=1m",
    ]
    (changes,) = variants(written)
    rules = load(folder, changes=changes).rules
    assert rules is not None
    errors, busy, down = (rules.rule(name) for name in ("Errors", "Busy", "Down"))
    assert errors is not None
    assert busy is not None
    assert down is not None
    prepare, rollback = errors.tier(Tier.PREPARE), errors.tier(Tier.ROLLBACK)
    assert prepare is not None
    assert rollback is not None
    assert (prepare.above, prepare.window, errors.keep_firing_for) == (0.03, 120, 600)
    assert (rollback.guards.min_failures, rollback.confidence) == (7, 0.99)
    assert busy.tiers[0].clear == 50
    assert down.tiers[0].hold == 60


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Erors.prepare.above=3%", "did you mean `Errors`?"),
        ("Errors.prepare.abvoe=3%", "did you mean `above`?"),
        ("Errors.prepar.above=3%", "did you mean `prepare`?"),
        ("Errors.prepare.above=3 apples", "apples"),
        ("Errors.prepare.clear=9%", "clear"),
        ("Errors.prepare.above.x=1m", "holds no keys"),
        ("Errors.prepare.above={", ""),
    ],
)
def test_a_change_is_checked_like_the_file_and_named_by_its_place(folder: Path, written: str, words: str) -> None:
    (changes,) = variants([written])
    loaded = load(folder, changes=changes)
    assert loaded.rules is None
    told = [str(one) for one in loaded.findings if one.severity == "error"]
    assert any(words in one for one in told), told
    assert any(one.startswith("--set ") for one in told) or "clear" in words


def test_without_a_change_nothing_is_another(folder: Path) -> None:
    assert load(folder, changes=()).rules == load(folder).rules
