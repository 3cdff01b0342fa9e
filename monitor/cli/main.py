"""The command line.

One file a command group; each is imported only when it is called, so that `--help` and `check` stay quick.
"""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor import __version__
from monitor.cli.drillgroup import drill
from monitor.cli.incidentgroup import incident
from monitor.cli.options import EnvFile, Format, Id, SecretsDir
from monitor.cli.silencegroup import silence

UNWRITTEN = 74
"""What was printed could not be written (EX_IOERR): the codes of the commands speak of what they found."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

FAULTS = "What breaks: login, errors, latency, billing, invoices, integrity or none."

app = typer.Typer(
    name="rollback-monitor",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config = typer.Typer(help="The effective settings.", no_args_is_help=True)
slack = typer.Typer(help="The Slack app: its manifest, and a test page.", no_args_is_help=True)
export = typer.Typer(help="The rules in other tools' words.", no_args_is_help=True)
app.add_typer(incident, name="incident")
app.add_typer(silence, name="silence")
app.add_typer(drill, name="drill")
app.add_typer(config, name="config")
app.add_typer(export, name="export")
app.add_typer(slack, name="slack")


def main() -> None:
    """Run the command line. A letter that the terminal cannot show is a question mark, not the end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except (OSError, SystemExit) as ended:
        if why := _unwritten(ended):
            sys.stderr.write(f"standard output cannot be written: {why}\n")
            sys.exit(UNWRITTEN)
        raise


def _unwritten(ended: BaseException) -> str:
    """Give why what was printed is not all out, empty where it is; a reader that has enough is none of our business."""
    if sys.stdout is None:  # it was closed before the program began: nobody wants to read
        return ""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return ""
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter would try again, and complain
        return problem.strerror or str(problem)
    if isinstance(ended, OSError) and ended.filename is None and ended.errno in FULL:
        return ended.strerror or str(ended)  # what is longer than the buffer fails at once, and leaves nothing in it
    return ""


def _tell_version(*, asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    *,
    told: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Watches Prometheus for the moments to prepare a rollback or to roll back, and pages the team."""
    del told  # the callback has seen to it, as it comes before what else is typed


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


@app.command("test")
def rule_test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Test files or rules folders (default: rules).")] = None,
    prometheus: Annotated[Path | None, typer.Option(help="The program (default: the one on PATH).")] = None,
    output: Format = "text",
) -> None:
    """Run the tests of rules. Exit code 0: all passed, 1: one failed, 2: usage, no tests or no Prometheus."""
    from monitor.cli import ruletests  # noqa: PLC0415

    raise typer.Exit(ruletests.test(paths or [], prometheus, output))


@app.command(short_help="Write a first rules folder for your Prometheus.")
def init(
    folder: Annotated[Path, typer.Argument(help="The folder that is made.")] = Path("rules"),
    prometheus: Annotated[str | None, typer.Option(help="Its address (MONITOR_PROMETHEUS__URL).")] = None,
    environment: Annotated[str, typer.Option(help="What pages call it.")] = "production",
    channel: Annotated[str, typer.Option(help="Where pages go: a Slack channel's id.")] = "",
    responders: Annotated[str, typer.Option(help="Who is called: ids of users and user groups, with commas.")] = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Write a first rules folder for your Prometheus, all in the shadow. Exit code 1: nothing was written, 2: usage."""
    from monitor.cli import init as beginning  # noqa: PLC0415

    people = tuple(one.strip() for one in responders.split(",") if one.strip())
    wanted = beginning.Wanted(folder, prometheus, env_file, secrets_dir)
    raise typer.Exit(beginning.run(wanted, environment, channel, people))


@app.command(short_help="Say in words how two rule sets differ.")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rules folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.")],
    output: Format = "text",
) -> None:
    """Say in words how two rule sets differ, and what a reload would make of it. Exit code 2: one cannot be used."""
    from monitor.cli import diff as differing  # noqa: PLC0415

    raise typer.Exit(differing.run(old, new, output))


@app.command(short_help="Say what the rules would have done on your history.")
def replay(
    folder: Annotated[Path | None, typer.Argument(metavar="[RULES]", help="The rules folder (MONITOR_RULES).")] = None,
    rules: Annotated[Path | None, typer.Option(help="The same, as `run` takes it.")] = None,
    from_: Annotated[str, typer.Option("--from", help="Begin: -7d, or RFC 3339 such as 2026-03-01T00:00:00Z.")] = "-7d",
    to: Annotated[str, typer.Option("--to", help="End, in the same words.")] = "now",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ALERT.PATH=VALUE[,VALUE…]",
            help="Another value for a key of a rule, such as LoginFailing.rollback.above=10%; several make a sweep, "
            "several --set with several each their combinations (at most 200).",
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another rules folder, to be compared with: what RULES does otherwise.")
    ] = None,
    incidents: Annotated[
        Path | None, typer.Option(help="Incidents that you know of (YAML, JSON or CSV): caught, missed, false pages.")
    ] = None,
    output: Annotated[
        str, typer.Option("--format", help="text, json, html (one file that opens anywhere) or markdown.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="The file to write, in place of standard output.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where readings are kept for the next run (~/.cache).")] = None,
    *,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read everything anew, and keep nothing.")] = False,
    jobs: Annotated[int, typer.Option(help="Queries that are asked of Prometheus at a time.")] = 4,
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say what the rules would have done on the history of your Prometheus: pages, for how long, how bad.

    Exit code 0: done, 1: a part of the history could not be read, 2: usage, 130: Ctrl-C, with what was read by then.
    """
    from monitor.cli import replay as replaying  # noqa: PLC0415

    if folder is not None and rules is not None and folder != rules:
        raise typer.BadParameter(f"{folder} is given as RULES and {rules} as --rules: which? (--against compares two)")
    asked = replaying.Asked(
        folder or rules,
        from_,
        to,
        set_ or [],
        against,
        incidents,
        output,
        out,
        cache,
        no_cache,
        jobs,
        env_file,
        secrets_dir,
    )
    raise typer.Exit(replaying.run(asked))


@app.command(short_help="Say why an alert does or does not fire.")
def explain(
    alert: Annotated[str, typer.Argument(metavar="[ALERT]", help="The alert (default: a table of all of them).")] = "",
    at: Annotated[str, typer.Option(help="When: 2026-11-26T03:10:00Z, 03:10 (UTC), -15m; default: now.")] = "",
    labels: Annotated[list[str] | None, typer.Option(help='Only instances such as job="auth"; repeat.')] = None,
    tier: Annotated[Literal["prepare", "rollback"] | None, typer.Option(help="Only this tier.")] = None,
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    output: Format = "text",
) -> None:
    """Say why an alert does or does not fire, and what would have to change. Exit code 1: unread, 2: no such alert."""
    from monitor.cli import explain as explaining  # noqa: PLC0415

    question = explaining.Question(alert, at, tuple(labels or ()), tier or "")
    raise typer.Exit(explaining.run(explaining.Files(env_file, secrets_dir), question, output))


@app.command()
def doctor(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Say whether everything is in place, a line each, with the mend. Exit code 1: something is not."""
    from monitor.cli import doctor as doctoring  # noqa: PLC0415

    raise typer.Exit(doctoring.run(env_file=env_file, secrets_dir=secrets_dir, output=output))


@app.command(short_help="Show the whole thing on this machine.")
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


@app.command("schema")
def schema_(
    kind: Annotated[
        str | None, typer.Argument(help="rules (the default), routing, releases, procedure, drill or tests.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the schemas of all kinds into this folder.")] = None,
) -> None:
    """Print the JSON Schema of a kind of files, for editors. Exit code 2: no such kind, or a folder that refuses."""
    from monitor.cli import schema  # noqa: PLC0415

    raise typer.Exit(schema.run(kind, out))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@incident.command("export", short_help="Write the evidence of an incident into a folder.")
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


@slack.command("test", short_help="Send a test page to every channel.")
def slack_test(
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    *,
    mention: Annotated[bool, typer.Option("--mention", help="Call the responders by it too.")] = False,
) -> None:
    """Send a test page ("TEST, nothing is wrong") to every channel and pager. Exit code 1: one did not take it."""
    from monitor.cli import slack as slacking  # noqa: PLC0415

    raise typer.Exit(slacking.test(env_file=env_file, secrets_dir=secrets_dir, mention=mention))


@export.command("prometheus", short_help="Print the rules as Prometheus's alerting rules.")
def export_prometheus(
    rules: Annotated[Path | None, typer.Argument(help="The rules folder (default: rules).")] = None,
    for_version: Annotated[str, typer.Option(help="The Prometheus that will read them.")] = "2.42",
    *,
    alone: Annotated[bool, typer.Option("--alone", help="Rules that do not look at ALERTS (vmalert -replay).")] = False,
) -> None:
    """Print the rules as Prometheus's alerting rules; what they cannot say stands in comments and on stderr."""
    from monitor.cli import export as exporting  # noqa: PLC0415

    raise typer.Exit(exporting.run(rules, for_version, remembers=not alone))
