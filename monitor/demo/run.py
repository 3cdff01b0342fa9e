"""The demo from the first word to the last: set up, start the monitor, break the shop, show the page, clean up.

This module tells what happens and in which order; how each part works is told elsewhere.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

import monitor
from monitor.demo import watched
from monitor.demo.catalogue import EFFECTS, Effect, Fault
from monitor.demo.children import ChildDiedError, Children, Stopped
from monitor.demo.prometheus import MissingProgramError
from monitor.demo.world import NotReadyError, World, build

HEALTHY_SECONDS = 12.0
MONITOR_START_SECONDS = 30.0
TRY_SECONDS = 5.0
ASK_SECONDS = 0.2
HOLDS_SECONDS = 300
FOREVER = 365 * 86400.0


class NoPageError(Exception):
    """The page that the fault owes did not come in time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to show. `for_seconds` counts from the moment everything runs (None: until Ctrl-C)."""

    fault: Fault
    rules: Path
    for_seconds: float | None = None
    keep: bool = False
    healthy_seconds: float = HEALTHY_SECONDS
    program: Sequence[str] = (sys.executable, "-m", "monitor")

    @property
    def effect(self) -> Effect:
        """What the fault does."""
        return EFFECTS[self.fault]


@dataclass(slots=True)
class Narrator:
    """Says what happens, with the seconds since the demo began."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True, markup=False))
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one step."""
        self.console.print(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def quote(self, line: str) -> None:
        """Print one line of the monitor's own output."""
        self.console.print(f"          │ {line}")

    def add(self, text: str) -> None:
        """Print text that needs no time."""
        self.console.print(text)


def shipped_rules() -> Path | None:
    """Give the rules folder of the checkout that this program runs from, or None where it was installed without."""
    rules = Path(monitor.__file__).resolve().parent.parent / "rules"
    return rules if any(rules.glob("*.yaml")) else None


def run(plan: Plan) -> int:
    """Show `plan`; give the exit code: 0 when it went as told, 1 when something did not."""
    tell = Narrator()
    folder = Path(tempfile.mkdtemp(prefix="rollback-monitor-demo-"))
    try:
        with _stop_on_signals() as stop, Children(folder, stop) as children:
            _show(plan, folder, children, tell)
        tell.say("The time is over; nothing is left running.")
    except Stopped:
        tell.say("Asked to stop; nothing is left running.")
    except (ChildDiedError, MissingProgramError, NotReadyError, NoPageError, RuntimeError) as error:
        tell.say(f"The demo failed: {error}")
        return 1
    finally:
        if plan.keep:
            tell.add(f"Everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT, SIGTERM and SIGHUP set; the handlers of before come back at the end."""
    stop = threading.Event()
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in ends}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(plan: Plan, folder: Path, children: Children, tell: Narrator) -> None:
    """Go through the demo step by step."""
    tell.say("Starting a shop of seven services, two days of history, and a Prometheus that scrapes it every second…")
    world = build(children, folder)
    tell.say(f"Prometheus is ready at {world.server.url}")
    url = _start_monitor(plan, folder, world, children, tell)
    ends = time.monotonic() + (FOREVER if plan.for_seconds is None else plan.for_seconds)
    tell.say(f"Healthy traffic for {min(plan.healthy_seconds, ends - time.monotonic()):.0f} s…")
    children.rest(min(plan.healthy_seconds, ends - time.monotonic()))
    page = _break(plan, world, url, children, tell, ends) if plan.effect.page is not None else None
    if ends - time.monotonic() > TRY_SECONDS:
        tell.add(_next_steps(plan, folder, url, world, page))
    children.rest(ends - time.monotonic())


def _start_monitor(plan: Plan, folder: Path, world: World, children: Children, tell: Narrator) -> str:
    """Start the monitor and give the URL that it listens on."""
    ours = watched.settings(folder, world.server.url, plan.rules)
    watched.write_env_file(folder / "demo.env", ours)
    where = "your Slack" if watched.pages_slack(os.environ) else "this terminal (no Slack settings found)"
    tell.say(f"Starting the monitor with the rules of {plan.rules}; it pages {where}")
    command = [*plan.program, "run", "--rules", str(plan.rules), "--listen", "127.0.0.1:0"]
    child = children.start("monitor", command, watched.environment(os.environ, ours), piped=True)
    watched.forward(child, tell.quote)
    url = children.until(lambda: watched.address(folder), MONITOR_START_SECONDS)
    if url is None:
        raise NotReadyError(f"the monitor did not listen within {MONITOR_START_SECONDS:.0f} s")
    tell.say(f"The monitor runs at {url}")
    return url


def _break(plan: Plan, world: World, url: str, children: Children, tell: Narrator, ends: float) -> watched.Seen | None:
    """Break the shop and wait for the page it owes; None where the time was over before."""
    effect = plan.effect
    tier = effect.page
    assert tier is not None, "asked by the caller"  # noqa: S101  # narrows the type
    broken = world.strike(plan.fault)
    tell.say(f"Breaking the shop: {effect.story}.")
    due = "prepare rules hold for 5 minutes" if effect.within > HOLDS_SECONDS else "rollback rules act at once"
    tell.say(f"Waiting for the {tier} page ({due})…")
    left = ends - time.monotonic()
    page = children.until(lambda: watched.paged(url, tier), min(left, effect.within), every=ASK_SECONDS)
    if page is not None:
        _timing(world, effect, broken, page, tell)
    elif left >= effect.within:
        raise NoPageError(f"no {tier} page came within {effect.within:.0f} s of the break")
    else:
        tell.say(
            f"The time is over before the {tier} page is due ({effect.within:.0f} s after the break at the latest)."
        )
    return page


def _timing(world: World, effect: Effect, broken: float, page: watched.Seen, tell: Narrator) -> None:
    """Say how long the page took."""
    now = time.time()
    sample = world.server.first_change(effect.sign, broken)
    since = f" ({now - sample:.1f} s after its first failing sample)" if sample is not None else ""
    tell.say(f"{page.id}: {page.headline}")
    tell.say(f"first page {now - broken:.1f} s after the break{since}")


def _next_steps(plan: Plan, folder: Path, url: str, world: World, page: watched.Seen | None) -> str:
    """Give what to try while everything runs: answer the page and go back, or bring one about."""
    program = Path(sys.executable).with_name("rollback-monitor")
    file = folder / "demo.env"
    name = str(program) if program.exists() else f"{sys.executable} -m monitor"
    fault = f"curl -X POST {world.ports.control}/fault"
    tries = [f"{name} incident list --env-file {file}"]
    if page is None:
        tries.append(
            f"{name} drill start --scenario login --env-file {file}     # a drill: its page, and nothing broken"
        )
        tries.append(
            f"{fault}/login     # break the login: a page comes within half a minute; /fault/none rolls the shop back"
        )
    else:
        tries.append(f"{name} incident ack {page.id} --env-file {file}")
        tries += [f"curl -X POST {back}      # go back, and it heals" for back in world.ways_back(plan.fault)]
        tries.append(
            f"{fault}/{plan.fault}      # break it again; /fault/none goes back everywhere and repairs the data"
        )
    return (
        "\nTry this in another terminal:\n"
        + "".join(f"    {one}\n" for one in tries)
        + f"The monitor: {url}    Prometheus: {world.server.url}    Ctrl-C ends everything.\n"
    )
