"""docs/drills.md is held to the program: its examples load, its commands exist, its tables are those of the code."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from monitor.cli.main import app
from monitor.core.drill.result import REQUIRED
from monitor.core.drill.scenario import Kind, Scenario
from monitor.core.evidence.moments import NAMES
from monitor.core.pages.page import OF_DRILLS
from monitor.core.pages.shell import SPELLINGS
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import ErrorRatio
from monitor.demo.catalogue import SERVICES, Fault, job_in
from monitor.files import load
from monitor.files.drillkeys import SCENARIO

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "drills.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {line for kind, block in BLOCKS if kind == "console" for line in block.splitlines()}
    | set(re.findall(r"`(rollback-monitor (?:drill|incident) [^`]+)`", TEXT))
)


def with_example(folder: Path) -> RuleSet:
    """The shipped rules with the page's drill and routing added."""
    shutil.copytree(ROOT / "rules", folder / "rules")
    example, routing = (
        block for kind, block in BLOCKS if kind == "yaml" and ("watch:" in block or "approvers" in block)
    )
    (folder / "rules" / "drills" / "login-staging.yaml").write_text(example)
    with (folder / "rules" / "routing.yaml").open("a") as file:
        file.write(routing)
    loaded = load(folder / "rules", fallback_channel="C0OPS", fallback_responders=("S0ONCALL",))
    assert [str(one) for one in loaded.findings] == []
    assert loaded.rules is not None
    return loaded.rules


def test_the_drill_and_the_routing_of_the_page_are_read_without_a_finding(tmp_path: Path) -> None:
    rules = with_example(tmp_path)
    drill: Scenario = rules.drills["login-staging"]
    assert (drill.kind, drill.environment, drill.recovery_target) == (Kind.STAGING, "staging", 900)
    assert isinstance(drill.signal, ErrorRatio)
    assert drill.releases is not None
    assert [one.name for one in drill.releases.services] == ["auth", "web"]
    assert rules.routing.drills.route.commanders == ("U0ANA",)


def test_every_key_is_shown_or_told_of() -> None:
    assert [key.name for key in SCENARIO.keys if not re.search(rf"\b{key.name}:", TEXT)] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_is_understood(line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "rollback-monitor"
    command = typer.main.get_command(app).commands[words[1]].commands[words[2]]  # type: ignore[attr-defined]  # groups
    command.make_context(words[2], words[3:])


def test_what_is_shipped_and_every_kind_stand_in_the_tables() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([\w-]+) \|", TEXT, re.MULTILINE))
    loaded = load(ROOT / "rules", fallback_channel="C0OPS").rules
    assert loaded is not None
    assert {name: str(one.kind) for name, one in loaded.drills.items()} == rows
    counts = re.findall(r"^\| `([\w-]+)` \|.*\| (yes|no)[^|]*\|$", TEXT, re.MULTILINE)
    assert counts == [(str(kind), "yes" if kind.qualifies else "no") for kind in Kind]


def test_the_clock_is_that_of_the_code() -> None:
    assert re.findall(r"^\| (T\d+) \| ([^|]+) \|", TEXT, re.MULTILINE) == list(NAMES.values())
    wanted = [NAMES[name][0] for name in REQUIRED[Kind.PAGER]]
    assert wanted == ["T0", "T1", "T2", "T3", "T4", "T5", "T12"], "as the page says below its table"


def test_the_buttons_are_called_as_they_are() -> None:
    assert all(f"**{SPELLINGS[kind].button}**" in TEXT for kind in OF_DRILLS)


def test_the_demo_shop_has_the_faults_versions_and_jobs_of_the_page() -> None:
    built = {service.name: service.versions for service in SERVICES}
    deployed = re.findall(r"/version/([\w-]+)/([\d.]+)", TEXT)
    assert deployed
    assert [(service, version) for service, version in deployed if version not in built[service]] == []
    assert set(re.findall(r"/fault/(\w+)", TEXT)) <= set(Fault)
    jobs = {job_in("staging", name) for name in built}
    assert set(re.findall(r"`(staging-[\w-]+)`|job=\"(staging-[\w-]+)\"", TEXT)) != set()
    assert {one or other for one, other in re.findall(r"`(staging-[\w-]+)`|job=\"(staging-[\w-]+)\"", TEXT)} <= jobs
