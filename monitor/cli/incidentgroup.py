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
    """Show one incident in full, and what may be done now."""
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
    "Say that you are still on it. An acknowledged rollback without a procedure is asked for again in 15 min.",
)
_plain("watch-by-hand", "watch_by_hand", "Say that you watch by hand. For 30 min, while the monitor cannot see.")


@incident.command("fix-another-way")
def fix_another_way(
    name: Id, note: Note = "", by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Say that it is real and mended another way. You are asked every 30 min whether you are still on it."""
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
    """Say that it is none. What fires is retired and silenced for these instances, and the incident ends."""
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
    """Say that an alert is dealt with. One that waits for a person to say so."""
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
    """Say that an instance will not come back. It fired and vanished; its alert ends."""
    raise _do((env_file, secrets_dir), name, "gone_for_good", by, {"alert": alert, "note": note})


@incident.command("summon")
def summon(
    name: Id,
    who: Annotated[list[str], typer.Argument(metavar="WHO", help="Slack ids: U0ANA a person, S0DBA a group.")],
    note: Annotated[str, typer.Option(help="What for.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Page somebody else. They are mentioned in the thread."""
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
    "Start the rollback procedure. You become incident commander, deploys freeze, the checklist opens; nothing is "
    "rolled back by this.",
)


@incident.command("pin")
def pin(
    name: Id,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE=VERSION", help="None: what is proposed.")
    ] = None,
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Pin what to roll back to. Its deploys pass the freeze."""
    words: dict[str, object] = {f"target.{service}": version for service, version in fields_of(targets or []).items()}
    raise _do((env_file, secrets_dir), name, "pin", by, words or {"subject": "proposed"})


STEP_HELP = """Settle a step of the procedure.

\b
done [STEP]                            it is done
skip [STEP] --reason WHY               it is left out
not-relevant [STEP] --reason WHY       it does not apply here
undo [STEP]                            take that back, within a minute
collect [STEP] FIELD=VALUE...          write down what it asks for
choose STEP ANSWER                     answer its question
approve [STEP]                         agree to the answer, as a second person
"""


@incident.command("step", help=STEP_HELP)
def step(
    name: Id,
    what: Annotated[Verb, typer.Argument(metavar="WHAT", help="What is said of it.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="STEP", help="Its name or number; none: the one that is next.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; skip and not-relevant need one.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Settle a step of the procedure."""
    action, said = step_words(what, words or [], reason)
    raise _do((env_file, secrets_dir), name, action, by, said)


@incident.command("service-done")
def service_done(
    name: Id, service: Service, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Say that a service is at its target. Where nothing shows its version, nobody else can."""
    raise _do((env_file, secrets_dir), name, "service_done", by, {"service": service})


@incident.command("check")
def answer_check(
    name: Id,
    check: Annotated[str, typer.Argument(metavar="CHECK", help="Its id, as `incident show` has it.")],
    passed: Annotated[bool | None, typer.Option("--passed/--failed", help="How it came out; say one.")] = None,
    note: Annotated[str, typer.Option(help="What it said.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Enter the result of a check. One that the monitor does not run itself."""
    if passed is None:
        raise typer.BadParameter("say how the check came out: --passed or --failed")
    words = {"check": check, "passed": "yes" if passed else "no", "note": note}
    raise _do((env_file, secrets_dir), name, "answer_check", by, {**words})


@incident.command("allow-deploy")
def allow_deploy(
    name: Id, service: Service, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None
) -> None:
    """Let one deploy of a service through. The freeze stays for all else; it is the commander's to do."""
    raise _do((env_file, secrets_dir), name, "allow_deploy", by, {"service": service})


_plain(
    "take-command", "take_command", "Ask for command. Where the commander was silent for 10 min it is yours at once."
)
_plain("give-command", "give_command", "Give command to whoever asked for it.")


@incident.command("abort")
def abort(name: Id, reason: Reason, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Give the procedure up. Deploys open again, and what was changed already is listed in the thread."""
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
    """End it without proof, or agree to that. It takes two people, or 5 min in which nobody answers."""
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
