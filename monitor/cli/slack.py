"""`slack manifest` and `slack test`: the app to be made in Slack, and a test page through every destination."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from monitor.bootstrap import SystemClock, load_rules, main_pager, other_pagers, slack_manifest
from monitor.core.rule import RuleSet
from monitor.core.words import plain
from monitor.people.trial import calls_for, line_for
from monitor.ports import Delivery, ProbedPager, Sent
from monitor.ruleset.rulesfolder import RulesError
from monitor.settings import Settings, SettingsError, load


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
    pager, route = main_pager(settings, sys.stdout), routing.default
    called = route.responders if mention else ()
    second = routing.escalation.channel or settings.slack.escalation_channel
    for channel in dict.fromkeys(one for one in (route.channel, second) if one):
        name = f"Slack channel {channel}" if settings.slack.bot_token else "console"
        yield name, pager.deliver(line_for(channel, routing.environment, called, now))
    for name, other in other_pagers(settings).items():
        yield f"pager {name}", tried(name, other, routing.environment)


def tried(name: str, pager: ProbedPager, environment: str) -> Delivery:
    """Send a test page, and say at once that it is over; where it was not taken, nothing is there to end."""
    calls = calls_for(name, environment, SystemClock().now())
    taken = pager.deliver(calls[0])
    return pager.deliver(calls[1]) if isinstance(taken, Sent) else taken
