"""Who carries pages and who brings answers, as the settings have it, and what they say of themselves."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from monitor.adapters.switch import HttpSwitch
from monitor.core.actor import Actor
from monitor.core.incidents.routes import channels, every_route, united
from monitor.core.rules.routing import ALERTMANAGER, PAGERDUTY, WEBHOOK
from monitor.core.rules.ruleset import RuleSet
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from monitor.people.answering import Answering
from monitor.people.commands import Done
from monitor.ports.pager import Pager, ProbedPager, Sent
from monitor.ports.world import Switch
from monitor.rulebook import RuleBook
from monitor.settings.settings import Settings
from monitor.sourcing import access_of
from monitor.telemetry import Metrics

if TYPE_CHECKING:
    from monitor.adapters.pagerdutyhooks import PagerDutyHooks
    from monitor.adapters.slack.inbound import SlackInbound
    from monitor.adapters.slack.probe import Finding


def all_channels(settings: Settings, rules: RuleSet) -> tuple[str, ...]:
    """Give every channel that something may be posted to: those of the routes, the second one, that of drills."""
    routing, slack = rules.routing, settings.slack
    drills = routing.drills.route.channel or slack.drill_channel
    if slack.bot_token is None:
        return channels(routing)
    beside = (routing.escalation.channel or slack.escalation_channel, drills)
    return tuple(dict.fromkeys(one for one in (*channels(routing), *beside) if one))


def slack_findings(settings: Settings, rules: RuleSet) -> list[tuple[bool, str, str]]:
    """Give what Slack says of token, scopes, channel and people: whether it is well, what was found, the mend."""
    everybody = united(every_route(rules.routing))
    people = (*everybody.responders, *everybody.commanders, *everybody.approvers)
    return [(one.ok, one.what, one.mend) for one in _probed(settings, all_channels(settings, rules), people)]


def drill_findings(settings: Settings, channel: str, people: Sequence[str]) -> "list[Finding]":
    """Give what Slack says of the token, its scopes, the `channel` of a drill and the `people` who take part."""
    return _probed(settings, (channel,), people)


def _probed(settings: Settings, places: Sequence[str], people: Sequence[str]) -> "list[Finding]":
    from monitor.adapters.slack.probe import probe  # noqa: PLC0415  # loaded only where Slack is used

    slack = settings.slack
    return probe(
        slack.bot_token.get_secret_value() if slack.bot_token else "",
        app_token=slack.app_token.get_secret_value() if slack.app_token else "",
        signed=slack.signing_secret is not None,
        channels=[one for one in dict.fromkeys(places) if one],
        people=people,
        base_url=slack.api_url,
    )


def switch_of(settings: Settings) -> Switch | None:
    """Give the dead-man's switch, where its address is set."""
    url = settings.heartbeat.url
    return HttpSwitch(url.get_secret_value(), settings.heartbeat.method) if url is not None else None


def slack_manifest(url: str, name: str, command: str) -> str:
    """Give the manifest of the Slack app, for Socket Mode or for signed HTTP at `url`."""
    from monitor.adapters.slack.manifest import manifest  # noqa: PLC0415  # loaded only where Slack is used

    return manifest(url, name, command or ("/rbm" if url else ""))


def main_pager(settings: Settings, terminal: TextIO) -> Pager:
    """Give what shows every incident: Slack, or the console where it is not set."""
    if settings.slack.bot_token is not None:
        from monitor.adapters.slack.client import SlackPager  # noqa: PLC0415  # loaded only where Slack is used

        return SlackPager(settings.slack.bot_token.get_secret_value(), base_url=settings.slack.api_url)
    from monitor.adapters.console import ConsolePager  # noqa: PLC0415  # the same

    return ConsolePager(terminal)


def second_channel(settings: Settings, book: RuleBook) -> str:
    """Give the channel that takes a page which the first one refuses."""
    return book.now.rules.routing.escalation.channel or settings.slack.escalation_channel


def other_pagers(settings: Settings) -> dict[str, ProbedPager]:
    """Give every pager beside Slack that is configured, by its name in routing.yaml."""
    pagers: dict[str, ProbedPager] = {}
    if settings.pagerduty.routing_key is not None:
        from monitor.adapters.pagerduty import PagerDuty  # noqa: PLC0415  # loaded only where it is used

        key, api_url = settings.pagerduty.routing_key.get_secret_value(), settings.pagerduty.api_url
        pagers[PAGERDUTY] = PagerDuty(key, api_url=api_url)
    if settings.alertmanager.url:
        from monitor.adapters.alertmanager import Alertmanager  # noqa: PLC0415  # the same

        pagers[ALERTMANAGER] = Alertmanager(settings.alertmanager.url, access_of(settings.alertmanager, {}))
    if settings.webhook.url is not None:
        from monitor.adapters.webhook import Webhook  # noqa: PLC0415  # the same

        secret = settings.webhook.secret.get_secret_value() if settings.webhook.secret else ""
        pagers[WEBHOOK] = Webhook(settings.webhook.url.get_secret_value(), secret)
    return pagers


def pager_findings(settings: Settings) -> dict[str, str]:
    """Give the other pagers that are configured, each with what is wrong with it (nothing: it answers)."""
    asked = {name: pager.probe() for name, pager in other_pagers(settings).items()}
    return {name: "" if isinstance(answer, Sent) else answer.why for name, answer in asked.items()}


def reachable(settings: Settings) -> bool:
    """Whether clicks have a way to come by; the console has none that could be missing."""
    slack = settings.slack
    return slack.bot_token is None or slack.app_token is not None or slack.signing_secret is not None


def inbound_of(
    settings: Settings, ears: Switchboard, heard: Callable[[bool], None], metrics: Metrics, drills: Spoken
) -> "SlackInbound | None":
    """Give what hears Slack's clicks and commands, where they have a way to come by."""
    slack = settings.slack
    if slack.bot_token is None or not reachable(settings):
        return None
    from monitor.adapters.slack.inbound import Access, listening  # noqa: PLC0415  # loaded only where Slack is used

    app_token, secret = slack.app_token, slack.signing_secret
    access = Access(
        slack.bot_token.get_secret_value(),
        app_token.get_secret_value() if app_token else "",
        secret.get_secret_value() if secret else "",
        slack.api_url,
    )
    return listening(access, ears, ears.clock, heard, metrics.counted_inbound, drills)


def hooks_of(settings: Settings, answering: Answering, metrics: Metrics) -> "PagerDutyHooks | None":
    """Give what takes PagerDuty's webhooks, where their secret is set."""
    if settings.pagerduty.webhook_secret is None:
        return None
    from monitor.adapters.pagerdutyhooks import PagerDutyHooks  # noqa: PLC0415  # loaded only where it is used

    def acknowledge(key: str, by: Actor) -> str:
        outcome = answering.acknowledge(PAGERDUTY, key, by)
        return "" if isinstance(outcome, Done) else outcome.sentence

    secret = settings.pagerduty.webhook_secret.get_secret_value()
    return PagerDutyHooks(secret, acknowledge, metrics.counted_webhook)
