"""The command line.

One file a command group; each is imported only when it is called, so that `--help` and `check` stay quick.
"""

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor import __version__

EnvFile = Annotated[Path | None, typer.Option("--env-file", help="A file of MONITOR_… settings.")]
SecretsDir = Annotated[Path | None, typer.Option("--secrets-dir", help="A folder with a file for each secret.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, such as INC-0001.")]
Name = Annotated[
    str, typer.Option("--as", help="Your name in the record; shown as unverified. Default: the login name.")
]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")]

FAULTS = "What breaks: login, errors, latency, billing, invoices, integrity or none."

app = typer.Typer(
    name="rollback-monitor",
    help="Watches Prometheus for the moments to prepare a rollback or to roll back, and pages the team.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
incident = typer.Typer(
    help="Incidents from the shell: list, show, ack, still-on-it, start, dealt-with.", no_args_is_help=True
)
silence = typer.Typer(help="Silences: what pages nobody for a while. Never the rollback tier.", no_args_is_help=True)
config = typer.Typer(help="The effective settings.", no_args_is_help=True)
slack = typer.Typer(help="The Slack app: its manifest, and a test page.", no_args_is_help=True)
export = typer.Typer(help="The rules in other tools' words.", no_args_is_help=True)
app.add_typer(incident, name="incident")
app.add_typer(silence, name="silence")
app.add_typer(config, name="config")
app.add_typer(export, name="export")
app.add_typer(slack, name="slack")


def main() -> None:
    """Run the command line. A letter that the terminal cannot show is a question mark, not the end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


@app.command()
def run(
    rules: Annotated[Path | None, typer.Option(help="The rules folder (MONITOR_RULES).")] = None,
    listen: Annotated[str | None, typer.Option(help="host:port of the HTTP listener (MONITOR_LISTEN).")] = None,
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Run the daemon. Exit code 78: settings, rules or the database cannot be used."""
    from monitor.cli import daemon  # noqa: PLC0415

    raise typer.Exit(daemon.run(rules=rules, listen=listen, env_file=env_file, secrets_dir=secrets_dir))


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders (default: the rules folder).")] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count too.")] = False,
    output: Annotated[str, typer.Option("--format", help="text, json or github.")] = "text",
) -> None:
    """Check rule, routing and procedure files. Exit code 0: fine, 1: findings, 2: usage."""
    from monitor.cli import check as checking  # noqa: PLC0415

    raise typer.Exit(checking.run(paths or [], strict, output))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rules folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.")],
    output: Format = "text",
) -> None:
    """Say in words how two rule sets differ, and what a reload would make of it. Exit code 2: one cannot be used."""
    from monitor.cli import diff as differing  # noqa: PLC0415

    raise typer.Exit(differing.run(old, new, output))


@app.command()
def doctor(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Say whether everything is in place, a line each, with the mend. Exit code 1: something is not."""
    from monitor.cli import doctor as doctoring  # noqa: PLC0415

    raise typer.Exit(doctoring.run(env_file=env_file, secrets_dir=secrets_dir, output=output))


@app.command()
def demo(
    break_: Annotated[str, typer.Option("--break", help=FAULTS)] = "login",
    for_: Annotated[str | None, typer.Option("--for", help="End by itself after this long, such as 90s.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Another rules folder than the shipped one.")] = None,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's files when it ends.")] = False,
) -> None:
    """Show the whole thing on this machine: a shop, a real Prometheus, the daemon, and a page."""
    from monitor.cli import demo as showing  # noqa: PLC0415

    seconds = _seconds(for_) if for_ else None
    raise typer.Exit(showing.run(break_, seconds, keep=keep, rules=rules))


def _seconds(text: str) -> float:
    """Give a length of time such as 90s, 5m or 90."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        return float(number) * unit
    except ValueError:
        raise typer.BadParameter(f"{text} is no length of time; write 90s or 5m") from None


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@incident.command("list")
def incident_list(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """List the incidents, newest first."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.show_all(incidents.Files(env_file, secrets_dir), output))


@incident.command("show")
def incident_show(name: Id, env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Show one incident: what fires, who has it, and its timeline."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.show(incidents.Files(env_file, secrets_dir), name, output))


@incident.command("ack")
def incident_ack(name: Id, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Acknowledge an incident: you have seen it and are on it."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.act(incidents.Files(env_file, secrets_dir), name, "acknowledge", by))


@incident.command("still-on-it")
def incident_still_on_it(name: Id, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Say that you are still on it: an acknowledged rollback without a procedure is asked for again in 15 min."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.act(incidents.Files(env_file, secrets_dir), name, "still_on_it", by))


@incident.command("start")
def incident_start(name: Id, by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Start the rollback procedure.

    You become incident commander and the checklist opens. Nothing is rolled back by this.
    """
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(incidents.act(incidents.Files(env_file, secrets_dir), name, "start", by))


@incident.command("dealt-with")
def incident_dealt_with(
    name: Id,
    alert: Annotated[str, typer.Argument(help="The alert, such as DataIntegrityAtRisk.")],
    note: Annotated[str, typer.Option(help="What was done.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say that an alert which waits for a person is dealt with."""
    from monitor.cli import incidents  # noqa: PLC0415

    raise typer.Exit(
        incidents.act(incidents.Files(env_file, secrets_dir), name, "dealt_with", by, {"alert": alert, "note": note})
    )


@incident.command("export")
def incident_export(
    name: Id,
    out: Annotated[Path, typer.Option(help="The folder that is made for it.")],
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    output: Format = "text",
) -> None:
    """Write the evidence of an incident into a folder: report, timeline, signals, decisions, manifest."""
    from monitor.cli import evidence, incidents  # noqa: PLC0415

    raise typer.Exit(evidence.export(incidents.Files(env_file, secrets_dir), name, out, output))


@incident.command("verify")
def incident_verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that export made.")], output: Format = "text"
) -> None:
    """Say whether a bundle of evidence is whole. Exit code 1: a file is missing, changed or extra; 2: no bundle."""
    from monitor.cli import evidence  # noqa: PLC0415

    raise typer.Exit(evidence.check(folder, output))


@silence.command("add")
def silence_add(
    match: Annotated[list[str], typer.Option(help='Such as job="web"; alertname is the rule. Repeat: all must fit.')],
    for_: Annotated[str, typer.Option("--for", help="How long, such as 2h.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever finds it.")],
    tier: Annotated[list[str] | None, typer.Option(help="prepare (default) or blind; repeat for both.")] = None,
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Page nobody about new alerts that match; they are evaluated and shown all the same."""
    from monitor.cli import silences  # noqa: PLC0415

    wanted = {"match": match, "for": for_, "reason": reason, "tiers": tier or ["prepare"]}
    raise typer.Exit(silences.add(silences.Files(env_file, secrets_dir), wanted, by))


@silence.command("list")
def silence_list(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """List silences, newest first, and maintenance windows, with what they hide and hid."""
    from monitor.cli import silences  # noqa: PLC0415

    raise typer.Exit(silences.show_all(silences.Files(env_file, secrets_dir), output))


@silence.command("expire")
def silence_expire(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of the silence.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """End a silence now; what it hides and still fires pages within seconds."""
    from monitor.cli import silences  # noqa: PLC0415

    raise typer.Exit(silences.expire(silences.Files(env_file, secrets_dir), number, by))


@config.command("show")
def config_show(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Print every setting, where it came from, and no secret."""
    from monitor.cli import configuration  # noqa: PLC0415

    raise typer.Exit(configuration.show(env_file, secrets_dir, output))


@slack.command("manifest")
def slack_manifest(
    url: Annotated[str, typer.Option(help="Your https:// address, for signed HTTP instead of Socket Mode.")] = "",
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "Rollback Monitor",
    command: Annotated[str, typer.Option(help="The slash command; with --url /rbm is the default.")] = "",
) -> None:
    """Print the manifest to make the Slack app from. Exit code 1: the address or the command cannot be used."""
    from monitor.cli import slack as slacking  # noqa: PLC0415

    raise typer.Exit(slacking.manifest(url, name, command))


@slack.command("test")
def slack_test(
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    *,
    mention: Annotated[bool, typer.Option("--mention", help="Call the responders by it too.")] = False,
) -> None:
    """Send a test page ("TEST, nothing is wrong") to every channel and pager. Exit code 1: one did not take it."""
    from monitor.cli import slack as slacking  # noqa: PLC0415

    raise typer.Exit(slacking.test(env_file=env_file, secrets_dir=secrets_dir, mention=mention))


@export.command("prometheus")
def export_prometheus(
    rules: Annotated[Path | None, typer.Argument(help="The rules folder (default: rules).")] = None,
    for_version: Annotated[str, typer.Option(help="The Prometheus that will read them.")] = "2.42",
    *,
    alone: Annotated[bool, typer.Option("--alone", help="Rules that do not look at ALERTS (vmalert -replay).")] = False,
) -> None:
    """Print the rules as Prometheus's alerting rules; what they cannot say stands in comments and on stderr."""
    from monitor.cli import export as exporting  # noqa: PLC0415

    raise typer.Exit(exporting.run(rules, for_version, remembers=not alone))
