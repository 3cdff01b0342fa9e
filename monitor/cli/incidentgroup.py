"""`incident ...`: the commands, and what each is told, in the words of the forms. What they mean is not known here.

The order is that of an incident's life: who has it, what it is, the procedure, the end, the record.
"""

from typing import Annotated

import typer

from monitor.cli.options import EnvFile, Format, Id, Name, SecretsDir
from monitor.cli.stepwords import Verb, fields_of, step_words

incident = typer.Typer(
    help="""Incidents from the shell.

    Look first: `incident list`, then `incident show INC-0001`, which ends with the commands that may be used now.
    Exit code 0: done, 1: refused, with the reason, 2: something is missing or misspelt.
    """,
    no_args_is_help=True,
)

Reason = Annotated[str, typer.Option(help="Why; it goes into the record.")]
Note = Annotated[str, typer.Option(help="A few words for the record.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="The service, such as auth.")]
Alert = Annotated[str, typer.Argument(metavar="ALERT", help="The alert by its name, or its number where several.")]


def _do(where: tuple[EnvFile, SecretsDir], name: str, action: str, by: str, words: dict[str, object]) -> typer.Exit:
    from monitor.cli import incidents  # noqa: PLC0415

    return typer.Exit(incidents.act(incidents.Files(*where), name, action, by, words))


@incident.command("list")
def incident_list(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """List the incidents, newest first."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.show_all(incidents.Files(env_file, secrets_dir), output))


@incident.command("show")
def incident_show(name: Id, env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Show one incident: who has it, what is next and how, the procedure, checks, what fires, the timeline."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.show(incidents.Files(env_file, secrets_dir), name, output))


def _plain(word: str, action: str, meaning: str) -> None:
    """Add a command that needs no words."""

    def command(name: Id, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
        raise _do((env_file, secrets_dir), name, action, by, {})

    incident.command(word, help=meaning)(command)


# --- who has it, and what it is -------------------------------------------------------------------------------------

_plain("ack", "acknowledge", "Acknowledge: you have seen it and are on it. Nobody else is called then.")
_plain(
    "still-on-it",
    "still_on_it",
    "Say that you are still on it: an acknowledged rollback without a procedure is asked for again in 15 min.",
)
_plain("watch-by-hand", "watch_by_hand", "Say that you look at the dashboards for 30 min, while the monitor is blind.")


@incident.command("fix-another-way")
def fix_another_way(
    name: Id, note: Note = "", by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Say that it is real, and that you mend it by something else than a rollback. You are asked every 30 min."""
    raise _do((env_file, secrets_dir), name, "fix_another_way", by, {"note": note})


@incident.command("false-alarm")
def false_alarm(
    name: Id,
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help="Silenced for, such as 2h; at most 24h.")] = "24h",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say that it is none: what fires is retired and silenced for these instances, and the incident ends."""
    raise _do((env_file, secrets_dir), name, "false_alarm", by, {"reason": reason, "lasts": for_})


@incident.command("dealt-with")
def dealt_with(
    name: Id,
    alert: Alert,
    note: Annotated[str, typer.Option(help="What was done.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say that an alert which waits for a person is dealt with."""
    raise _do((env_file, secrets_dir), name, "dealt_with", by, {"alert": alert, "note": note})


@incident.command("gone-for-good")
def gone_for_good(
    name: Id,
    alert: Alert,
    note: Annotated[str, typer.Option(help="What became of it.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say that an instance which fired and vanished will not come back; its alert ends."""
    raise _do((env_file, secrets_dir), name, "gone_for_good", by, {"alert": alert, "note": note})


@incident.command("summon")
def summon(
    name: Id,
    who: Annotated[list[str], typer.Argument(metavar="WHO...", help="Slack ids: U0ANA a person, S0DBA a group.")],
    note: Annotated[str, typer.Option(help="What for.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Page somebody else: they are mentioned in the thread."""
    raise _do((env_file, secrets_dir), name, "summon", by, {"people": who, "note": note})


@incident.command("note")
def note_down(
    name: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Add a note to the record."""
    raise _do((env_file, secrets_dir), name, "note", by, {"note": text})


# --- the procedure --------------------------------------------------------------------------------------------------

_plain(
    "start",
    "start",
    "Start the rollback procedure: you become incident commander, deploys freeze, the checklist opens. Nothing is "
    "rolled back by this.",
)


@incident.command("pin")
def pin(
    name: Id,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE=VERSION]...", help="None: what is proposed.")
    ] = None,
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Pin what to roll back to. Its deploys pass the freeze."""
    words: dict[str, object] = {f"target.{service}": version for service, version in fields_of(targets or []).items()}
    raise _do((env_file, secrets_dir), name, "pin", by, words or {"subject": "proposed"})


@incident.command("step")
def step(
    name: Id,
    what: Annotated[Verb, typer.Argument(help="What is said of the step.", show_choices=True)],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[STEP] ...", help="Its name or number; none: the one that is next.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; skip and not-relevant need one.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Settle a step of the procedure.

    done [STEP] · skip [STEP] --reason WHY · not-relevant [STEP] --reason WHY · undo [STEP], within a minute ·
    collect [STEP] FIELD=VALUE... · choose STEP ANSWER · approve [STEP], by a second person.
    """
    action, said = step_words(what, words or [], reason)
    raise _do((env_file, secrets_dir), name, action, by, said)


@incident.command("service-done")
def service_done(
    name: Id, service: Service, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Say that a service is at its target, where nothing shows its version."""
    raise _do((env_file, secrets_dir), name, "service_done", by, {"service": service})


@incident.command("check")
def answer_check(
    name: Id,
    check: Annotated[str, typer.Argument(metavar="CHECK", help="Its id, as `incident show` has it.")],
    passed: Annotated[bool, typer.Option("--passed/--failed", help="How it came out.")],  # a flag
    note: Annotated[str, typer.Option(help="What it said.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Enter the result of a check that the monitor does not run."""
    words = {"check": check, "passed": "yes" if passed else "no", "note": note}
    raise _do((env_file, secrets_dir), name, "answer_check", by, {**words})


@incident.command("allow-deploy")
def allow_deploy(
    name: Id, service: Service, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Let the next deploy of a service through the freeze, once. The commander's to do."""
    raise _do((env_file, secrets_dir), name, "allow_deploy", by, {"service": service})


_plain("take-command", "take_command", "Ask for command; take it where the commander was silent for 10 min.")
_plain("give-command", "give_command", "Give command to whoever asked for it.")


@incident.command("abort")
def abort(name: Id, reason: Reason, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Give the procedure up: deploys open again, and what was changed already is listed in the thread."""
    raise _do((env_file, secrets_dir), name, "abort", by, {"reason": reason})


# --- the end --------------------------------------------------------------------------------------------------------

_plain("end", "end", "End the incident, once every check has passed. Deploys open again.")


@incident.command("force-end")
def force_end(
    name: Id,
    reason: Annotated[str, typer.Option(help="Why it may end; who agrees as the second needs none.")] = "",
    for_: Annotated[str, typer.Option("--for", help="What still fires is silenced for, such as 1h; at most 24h.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """End it without proof, or agree to that: it takes two people, or 5 min in which nobody answers."""
    raise _do((env_file, secrets_dir), name, "force_end", by, {"reason": reason, **({"lasts": for_} if for_ else {})})


@incident.command("reopen")
def reopen(name: Id, reason: Reason, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Open an incident again, within 60 min of its end."""
    raise _do((env_file, secrets_dir), name, "reopen", by, {"reason": reason})


@incident.command("explain")
def explain(
    name: Id,
    why: Annotated[str, typer.Argument(metavar="WHY", help="Such as “it healed by itself” or “a false alarm”.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say why an incident went away by itself."""
    raise _do((env_file, secrets_dir), name, "explain", by, {"note": why})


@incident.command("complete")
def complete(
    name: Id,
    root_cause: Annotated[str, typer.Option(help="The root cause, as far as it is known.")],
    follow_up: Annotated[
        list[str] | None, typer.Option(help='"what; owner; 2026-12-31". Repeat for each.', metavar="TEXT")
    ] = None,
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Complete the record of an incident that has ended."""
    words: dict[str, object] = {"root_cause": root_cause, "follow_ups": follow_up or []}
    raise _do((env_file, secrets_dir), name, "complete", by, words)
