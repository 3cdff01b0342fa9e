"""How each action is typed in a shell, and what it is about: one line an action. Pure.

Whatever names a command to people (pages, the thread, `incident show`) writes it as it stands here, so that it works.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.pages.page import Action, ActionKind

PROGRAM = "rollback-monitor incident"
DRILLS = "rollback-monitor drill"

PLAIN = re.compile(r"[\w@%+=:,./-]+")
"""Words that a shell leaves as they are."""


class About(StrEnum):
    """What an action is about, by the word that names it in a request; nothing: the incident as a whole."""

    INCIDENT = ""
    ALERT = "alert"
    STEP = "step"
    SERVICE = "service"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Spelling:
    """An action in words.

    `button` is what its button begins with, `line` its command with `{id}` and `{about}`. Without `named` what it is
    about may be left out: the step that is meant is found. `program` is what stands before it.
    """

    button: str
    line: str
    about: About = About.INCIDENT
    named: bool = False
    program: str = PROGRAM


SPELLINGS: Mapping[ActionKind, Spelling] = {
    ActionKind.ACKNOWLEDGE: Spelling("Acknowledge", "ack {id}"),
    ActionKind.STILL_ON_IT: Spelling("Still on it", "still-on-it {id}"),
    ActionKind.START: Spelling("Start rollback…", "start {id}"),
    ActionKind.FIX_ANOTHER_WAY: Spelling("Real, fixing another way…", "fix-another-way {id}"),
    ActionKind.FALSE_ALARM: Spelling("False alarm…", 'false-alarm {id} --reason "…"'),
    ActionKind.DEALT_WITH: Spelling("Dealt with", 'dealt-with {id} {about} --note "…"', About.ALERT, named=True),
    ActionKind.GONE_FOR_GOOD: Spelling(
        "Gone for good", 'gone-for-good {id} {about} --note "…"', About.ALERT, named=True
    ),
    ActionKind.SUMMON: Spelling("Page somebody else…", "summon {id} WHO"),
    ActionKind.NOTE: Spelling("Note…", 'note {id} "…"'),
    ActionKind.WATCH_BY_HAND: Spelling("Watching by hand", "watch-by-hand {id}"),
    ActionKind.PIN: Spelling("Pin", "pin {id} {about}"),
    ActionKind.DONE: Spelling("Done", "step {id} done {about}", About.STEP),
    ActionKind.SKIP: Spelling("Skip…", 'step {id} skip {about} --reason "…"', About.STEP),
    ActionKind.NOT_RELEVANT: Spelling("Not relevant…", 'step {id} not-relevant {about} --reason "…"', About.STEP),
    ActionKind.UNDO: Spelling("Undo the last tick", "step {id} undo {about}", About.STEP),
    ActionKind.COLLECT: Spelling("Write down…", 'step {id} collect {about} FIELD="…"', About.STEP),
    ActionKind.CHOOSE: Spelling("", "step {id} choose {about}", About.STEP, named=True),
    ActionKind.APPROVE: Spelling("Approve", "step {id} approve {about}", About.STEP),
    ActionKind.SERVICE_DONE: Spelling("", "service-done {id} {about}", About.SERVICE, named=True),
    ActionKind.ANSWER_CHECK: Spelling("Result", "check {id} {about} --passed (or --failed)", About.CHECK, named=True),
    ActionKind.ALLOW_DEPLOY: Spelling("Allow one deploy…", "allow-deploy {id} SERVICE"),
    ActionKind.TAKE_COMMAND: Spelling("Take command", "take-command {id}"),
    ActionKind.GIVE_COMMAND: Spelling("Hand over", "give-command {id}"),
    ActionKind.ABORT: Spelling("Give the procedure up…", 'abort {id} --reason "…"'),
    ActionKind.END: Spelling("End incident", "end {id}"),
    ActionKind.FORCE_END: Spelling("End without proof…", 'force-end {id} --reason "…"'),
    ActionKind.REOPEN: Spelling("Open again", 'reopen {id} --reason "…"'),
    ActionKind.EXPLAIN: Spelling("Why did it go away?…", 'explain {id} "…"'),
    ActionKind.COMPLETE: Spelling("Complete the record…", 'complete {id} --root-cause "…"'),
    ActionKind.INJECT_FAULT: Spelling("Fault injected now", "inject {id}", program=DRILLS),
    ActionKind.ABORT_DRILL: Spelling("Abort drill…", 'abort {id} --reason "…"', program=DRILLS),
    ActionKind.SIGN_OFF: Spelling("Sign off", "sign-off {id}", program=DRILLS),
}
"""Every action. Where words must be filled in stands "…" or a word in capitals."""

_SIGN = SPELLINGS[ActionKind.SIGN_OFF].button
ASKS_FOR_TWO = f"Two people stand by the result: {_SIGN}"
ASKS_FOR_ANOTHER = f"A second person must: {_SIGN}"
"""What asks for a signature; a message that says it has the button."""

UNTYPED = frozenset({"proposed"})
"""What a button is about that a shell means when nothing is named."""


def typed(kind: ActionKind, incident: str, about: str = "") -> str:
    """Give the command that asks for `kind` on `incident`; of a step and its answer (`step/answer`) two words."""
    spelling = SPELLINGS[kind]
    about = about or (spelling.about.upper() if spelling.named else "")
    words = [] if about in UNTYPED else about.split("/") if kind is ActionKind.CHOOSE else [about]
    line = spelling.line.format(id=incident, about=" ".join(_quoted(word) for word in words if word))
    return f"{spelling.program} {re.sub(' {2,}', ' ', line).strip()}"


def to_show(incident: str) -> str:
    """Give the command that shows an incident."""
    return f"{PROGRAM} show {incident}"


def typed_action(action: Action) -> str:
    """Give the command that does what a button does."""
    incident, _, rest = action.value.partition("|")
    line = typed(action.kind, incident, rest.partition("|")[2])
    if action.kind is ActionKind.PIN and action.asks:
        return f"{line} SERVICE=VERSION"
    return f"{PROGRAM} force-end {incident}" if action.kind is ActionKind.FORCE_END and not action.asks else line


def _quoted(word: str) -> str:
    """Give a word as a shell takes it whole."""
    return word if PLAIN.fullmatch(word) else "'" + word.replace("'", "'\"'\"'") + "'"
