"""Each pipeline step of docs/deploys.md, run as its runner would, against a gate that answers and one that does not."""

import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.servers.hostile import Behaviour, Hostile, drip, hang, reply
from tests.servers.ports import free_port

DOCS = (Path(__file__).parents[2] / "docs" / "deploys.md").read_text()
BLOCKS = dict(re.findall(r"^```(?:sh|yaml) (\w+)\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL))
VERSION = "2.14.1+hot fix&x"
FROZEN = {"allowed": False, "incident": "INC-0142", "since": "2025-03-04T03:02:00Z", "by": "Ana"}
WARNED = "the rollback monitor could not be asked; going on with the deploy."


def script(kind: str) -> tuple[list[str], str]:
    """The command line that a runner reads the step with, and the step."""
    text = BLOCKS[kind]
    if kind == "shell":
        return ["sh", "-s", "auth", VERSION], text
    found: Any = yaml.safe_load(text)
    if kind == "github":
        return ["bash", "--noprofile", "--norc", "-eo", "pipefail"], found[0]["run"]
    return ["bash", "-eo", "pipefail"], "\n".join(found["deploys-frozen"]["script"])


def step(kind: str, url: str) -> tuple[int, str, float]:
    """The exit code of a step, what it says, and how long it took."""
    command, text = script(kind)
    given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "ROLLBACK_MONITOR_URL": url, "SERVICE": "auth", "VERSION": VERSION}
    began = time.monotonic()
    done = subprocess.run(
        command, input=text + "echo deployed\n", env=given, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


@pytest.fixture
def gate() -> Iterator[Hostile]:
    with Hostile(reply({"allowed": True, "because": "nothing is frozen"})) as server:
        yield server


def test_every_step_is_here() -> None:
    assert set(BLOCKS) == {"shell", "github", "gitlab"}


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_an_allowed_deploy_goes_on(kind: str, gate: Hostile) -> None:
    assert step(kind, gate.url)[:2] == (0, "deployed\n")
    (head,) = gate.heads
    asked = urlsplit(head.split()[1])
    assert (head.split()[0], asked.path) == ("GET", "/api/v1/deploys")
    assert parse_qs(asked.query) == {"service": ["auth"], "version": [VERSION]}


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_a_frozen_one_stops_and_says_by_what(kind: str, gate: Hostile) -> None:
    gate.behaviour = reply(FROZEN, 423)
    code, said, _ = step(kind, gate.url)
    assert code == 1
    assert "eploys are frozen" in said
    assert "INC-0142" in said
    assert "deployed\n" not in said


SILENT: list[tuple[str, Behaviour]] = [
    ("fails", reply(b"oops", 503)),
    ("is another program", reply(b"<html>", 404)),
    ("asks who it is", reply(b"", 401)),
]


@pytest.mark.parametrize("kind", sorted(BLOCKS))
@pytest.mark.parametrize("behaviour", [one[1] for one in SILENT], ids=[one[0] for one in SILENT])
def test_a_monitor_that_cannot_say_stops_nobody(kind: str, behaviour: Behaviour, gate: Hostile) -> None:
    gate.behaviour = behaviour
    code, said, _ = step(kind, gate.url)
    assert (code, WARNED.lower() in said.lower(), "deployed" in said) == (0, True, True)


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_a_monitor_that_is_not_there_stops_nobody(kind: str) -> None:
    code, said, _ = step(kind, f"http://127.0.0.1:{free_port()}")
    assert (code, WARNED.lower() in said.lower(), "deployed" in said) == (0, True, True)


def test_a_monitor_that_hangs_costs_three_seconds() -> None:
    with (
        Hostile(hang) as silent,
        Hostile(drip(b"HTTP/1.1 200 OK\r\nX: ")) as slow,
        ThreadPoolExecutor(len(BLOCKS)) as runners,  # the three at once: the test takes their three seconds
    ):
        gates = {"shell": silent, "github": silent, "gitlab": slow}
        done = list(runners.map(lambda kind: step(kind, gates[kind].url), gates))
    for code, said, took in done:
        assert (code, WARNED.lower() in said.lower(), "deployed" in said) == (0, True, True)
        assert 2.9 < took < 20
