"""`slack manifest` and `slack test`: the app to be made in Slack, and a test page through every destination."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from monitor.bootstrap.app import SystemClock
from monitor.bootstrap.pagers import all_channels, main_pager, other_pagers, slack_manifest
from monitor.bootstrap.rulesource import load_rules
from monitor.core.incidents.routes import every_route, united
from monitor.core.rules.routing import Routing
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import plain
from monitor.people.trial import calls_for, line_for
from monitor.ports.pager import Delivery, ProbedPager, Sent
from monitor.ruleset.rulesfolder import RulesError
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings


def manifest(url: str, name: str, command: str) -> int:
    """Print the app's manifest: for Socket Mode, or for signed HTTP where `url` is the monitor's address."""
    address = urlsplit(url)
    if url and (address.scheme != "https" or not address.netloc):
        sys.stderr.write(f"rollback-monitor: {url} is no address that Slack posts to: it begins with https://\n")
        return 1
    if command and not command.startswith("/"):
        sys.stderr.write(f"rollback-monitor: a slash command begins with /, such as /{command}\n")
        return 1
    sys.stdout.write(slack_manifest(url.rstrip("/"), name, command))
    return 0


def test(*, env_file: Path | None, secrets_dir: Path | None, mention: bool) -> int:
    """Send a test page through every destination and print a line each; give 1 where one did not take it."""
    try:
        settings, _ = load(env_file=env_file, secrets_dir=secrets_dir)
        rules = load_rules(settings)
    except (SettingsError, RulesError) as error:
        for sentence in error.sentences:
            sys.stderr.write(f"rollback-monitor: {sentence}\n")
        return 1
    well = True
    for where, delivery in _sent(settings, rules, mention=mention):
        taken = isinstance(delivery, Sent)
        well = well and taken
        why = "" if isinstance(delivery, Sent) else f": {delivery.why}"
        sys.stdout.write(plain(f"{'ok  ' if taken else 'BAD '}  {where}{why}") + "\n")
    return int(not well)


def _sent(settings: Settings, rules: RuleSet, *, mention: bool) -> Iterator[tuple[str, Delivery]]:
    now, routing = SystemClock().now(), rules.routing
    pager = main_pager(settings, sys.stdout)
    for channel in all_channels(settings, rules):
        called = _responders(routing, channel) if mention else ()
        name = f"Slack channel {channel}" if settings.slack.bot_token else "console"
        yield name, pager.deliver(line_for(channel, routing.environment, called, now))
    for name, other in other_pagers(settings).items():
        yield f"pager {name}", tried(name, other, routing.environment)


def _responders(routing: Routing, channel: str) -> tuple[str, ...]:
    """Give whom pages in `channel` call; in one that no route leads to, those of the default route."""
    routes = [one for one in every_route(routing) if one.channel == channel]
    return united(routes or [routing.default]).responders


def tried(name: str, pager: ProbedPager, environment: str) -> Delivery:
    """Send a test page, and say at once that it is over; where it was not taken, nothing is there to end."""
    calls = calls_for(name, environment, SystemClock().now())
    taken = pager.deliver(calls[0])
    return pager.deliver(calls[1]) if isinstance(taken, Sent) else taken
