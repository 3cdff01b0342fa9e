"""`explain`: why an alert does or does not fire, now or then, and what would have to change; or a table of all of them.

States come from the daemon that holds the database, from the database where none runs, or from Prometheus alone.
"""

import json
import sys
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.bootstrap.app import SystemClock
from monitor.bootstrap.databases import database_exists, database_owner
from monitor.bootstrap.rulesource import load_rules
from monitor.cli.explainview import Page, everything_page, explained_page
from monitor.cli.incidents import Asked, Files, RefusedError, answered
from monitor.core.explanation.explaining import Origin, Told
from monitor.core.model import AlertKey, Tier
from monitor.core.rules.rule import Matcher, Place
from monitor.files.expressions import matchers
from monitor.files.nodes import Scalar, WrongError
from monitor.ports.store import StoreError
from monitor.ruleset.rulesfolder import RulesError
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings
from monitor.sourcing import source_of
from monitor.workbench.curl import Door
from monitor.workbench.explain import Explainer, UnknownAlertError, Wanted
from monitor.workbench.explainedjson import everything_of, explained_of
from monitor.workbench.kept import Kept, changes_in, hiding_in, states_in
from monitor.workbench.moments import MomentError, moment_of

__all__ = ["Files", "Question", "run"]

FAILED, MISUSED = 1, 2
PATIENCE = 30.0
"""Seconds for everything that Prometheus is asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as it was typed; `alert` empty: everything."""

    alert: str = ""
    at: str = ""
    labels: tuple[str, ...] = ()
    tier: str = ""


def run(files: Files, question: Question, output: str) -> int:
    """Print the explanation; give the exit code. 1: nothing could be read, 2: no such alert, time or matcher."""
    try:
        settings, _ = load(env_file=files.env_file, secrets_dir=files.secrets_dir)
        return _explained(settings, question, output)
    except (SettingsError, RulesError) as error:
        return _told(error.sentences, FAILED)
    except StoreError as error:
        return _told([str(error)], FAILED)
    except WrongError as error:
        return _told([f"--labels: {error.message}; {error.hint}"], MISUSED)
    except (UnknownAlertError, MomentError) as error:
        return _told([str(error)], MISUSED)


def _told(sentences: Sequence[str], code: int) -> int:
    sys.stderr.writelines(f"rollback-monitor: {sentence}\n" for sentence in sentences)
    return code


def _explained(settings: Settings, question: Question, output: str) -> int:
    clock = SystemClock()
    at = int(moment_of(question.at, clock.now()).timestamp()) if question.at else None
    wanted = Wanted(_matchers(question.labels), Tier(question.tier) if question.tier else None)
    rules, kept = load_rules(settings), _kept(settings, question.alert)
    explainer = Explainer(source_of(settings), clock, rules, kept, PATIENCE)
    if not question.alert:
        everything = explainer.everything()
        _print(output, lambda: everything_of(everything), lambda: everything_page(everything))
        return FAILED if all(one.trouble and not one.alerts for one in everything) else 0
    explained, door = explainer.alert(question.alert, at, wanted), _door(settings)
    _print(output, lambda: explained_of(explained, door), lambda: explained_page(explained, door))
    return 0 if explained.alerts else FAILED


def _print(output: str, document: Callable[[], dict[str, Any]], page: Callable[[], Page]) -> None:
    if output == "json":
        sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
    else:
        page().write(sys.stdout)


def _matchers(texts: Sequence[str]) -> tuple[Matcher, ...]:
    place = Place("--labels", 1, 1)
    return tuple(one for text in texts for one in matchers(Scalar(text, plain=False, place=place)))


def _door(settings: Settings) -> Door:
    given = settings.prometheus
    return Door(
        given.url[0],
        headers=tuple(given.headers),
        bearer=given.bearer_token is not None,
        basic=given.username is not None,
        ca_file=str(given.ca_file or ""),
        cert_file=str(given.cert_file or ""),
        key_file=str(given.key_file or ""),
    )


# --- what a daemon or a database tells --------------------------------------------------------------------------------


def _kept(settings: Settings, alert: str) -> Kept:
    """Give what is kept of the alerts; where it cannot be read, that is said, and history has to do."""
    holding = database_owner(settings)
    if holding is None and not database_exists(settings):
        return Kept()
    origin = Origin.DAEMON if holding is not None else Origin.DATABASE
    path = "/api/v1/transitions" + (f"?{urllib.parse.urlencode({'alert': alert})}" if alert else "")
    try:
        states = answered(settings, Asked("GET", "/api/v1/states"))
        told = changes_in(answered(settings, Asked("GET", path)))
        hiding = hiding_in(answered(settings, Asked("GET", "/api/v1/silences"))) if origin is Origin.DAEMON else {}
    except (RefusedError, StoreError) as error:
        _told([f"what is kept of alerts was not read, so that states are derived from history: {error}"], 0)
        return Kept()
    return Kept(origin, states_in(states), lambda name: _of(told, name), states["rules"], hiding)


def _of(told: Mapping[AlertKey, Sequence[Told]], alert: str) -> Mapping[AlertKey, Sequence[Told]]:
    return {key: some for key, some in told.items() if key.alert == alert}
