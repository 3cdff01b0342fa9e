"""The rules that are there, as this daemon's settings have them."""

import os
import shutil
from dataclasses import replace

from monitor import files
from monitor.core.drill.rehearsal import with_rehearsal
from monitor.core.incidents.routes import in_one_channel
from monitor.core.rules.ruleset import RuleSet
from monitor.files import Contents
from monitor.files.findings import Severity
from monitor.ports.store import Store
from monitor.queries.plan import plan
from monitor.ruleset.rulesfolder import RulesError, Start
from monitor.settings.environment import command_environment
from monitor.settings.settings import Settings

CONSOLE_CHANNEL = "console"
"""The channel that posts are owed to where no Slack is set."""


def load_rules(settings: Settings, contents: Contents | None = None) -> RuleSet:
    """Give the rule set on disk, or that of `contents`. Raises RulesError."""
    channel = settings.slack.channel if settings.slack.bot_token else CONSOLE_CHANNEL
    source = settings.rules if contents is None else contents
    loaded = files.load(source, fallback_channel=channel, fallback_responders=settings.slack.responders)
    if loaded.rules is None:
        raise RulesError(str(one) for one in loaded.findings if one.severity is Severity.ERROR)
    if not loaded.rules.routing.default.channel:
        raise RulesError(["Slack is set, but no channel: name one in routing.yaml or in MONITOR_SLACK__CHANNEL."])
    try:
        plan(loaded.rules)
    except ValueError as error:
        raise RulesError([str(error)]) from error
    rules = with_rehearsal(loaded.rules)
    if settings.slack.bot_token is None:  # the terminal shows an incident once
        return replace(rules, routing=in_one_channel(rules.routing))
    return rules


def begin_with(settings: Settings, store: Store) -> Start:
    """Give the rules to begin with: those on disk, or, where they cannot be used, the last good ones.

    Raises RulesError where there are neither.
    """
    contents, kept = files.read_contents(settings.rules), store.rules()
    last = Contents(settings.rules, kept.files) if kept is not None else None
    try:
        rules = load_rules(settings, contents)
    except RulesError as error:
        before = last_good(settings, last)
        if last is None or before is None:
            raise
        return Start(before, last, before, contents.digest, error.sentences)
    same = last is not None and last.digest == contents.digest
    return Start(rules, contents, rules if same else last_good(settings, last), contents.digest)


def last_good(settings: Settings, last: Contents | None) -> RuleSet | None:
    """Another version of the program, or other settings, may no longer find it good."""
    try:
        return load_rules(settings, last) if last is not None else None
    except RulesError:
        return None


def missing_program(settings: Settings, program: str) -> str:
    """Give what keeps the program of a command check from being run; nothing where it can be."""
    folder, environment = settings.command_checks_directory, command_environment()
    if not folder.is_dir():
        return f"there is no folder {folder}: see MONITOR_COMMAND_CHECKS_DIRECTORY"
    found = folder / program if "/" in program else shutil.which(program, path=environment["PATH"])
    if found is None or not os.access(found, os.X_OK):
        return f"there is no program {program}; the monitor's PATH is {environment['PATH']}"
    return ""
