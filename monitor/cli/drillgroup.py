"""`drill ...`: drills from the shell."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.options import EnvFile, Format, Name, SecretsDir

DRILL = typer.Argument(metavar="ID", help="The drill, such as DRILL-0007 (default: the one that runs).")
Which = Annotated[str, DRILL]

drill = typer.Typer(
    help="Drills: prove that the team can roll back within its recovery window.",
    short_help="Prove that the team can roll back in time.",
    no_args_is_help=True,
)


@drill.command("start")
def start(
    scenario: Annotated[str, typer.Option(help="What is rehearsed: a file of rules/drills, without .yaml.")],
    participant: Annotated[
        list[str] | None, typer.Option(help="Slack id of a user or user group who takes part; repeat it.")
    ] = None,
    hypothesis: Annotated[str, typer.Option(help="What you expect to prove (default: the scenario's).")] = "",
    recovery_target: Annotated[str, typer.Option(help="Such as 15m (default: the scenario's or procedure's).")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Begin a drill. It pages in the channel of drills, never the real responders, and closes no production gate."""
    from monitor.cli import drills  # noqa: PLC0415

    wanted = {"scenario": scenario, "participants": participant or [], "hypothesis": hypothesis}
    raise typer.Exit(drills.start(drills.Files(env_file, secrets_dir), wanted, recovery_target, by))


@drill.command("status")
def status(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Say what runs, what was held, and which scenarios there are."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.status(drills.Files(env_file, secrets_dir), output))


@drill.command("inject", short_help="Say that the fault is injected now (T0).")
def inject(
    name: Which = "",
    note: Annotated[str, typer.Option(help="How it was done.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Say that the fault is injected now (T0), where real traffic is watched."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "inject", by, note))


@drill.command("abort")
def abort(
    reason: Annotated[str, typer.Option(help="Why; it stands in the result.")],
    name: Which = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Give the running drill up. That is a result too."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "abort", by, reason))


@drill.command("finish", short_help="Bring the running drill to its end.")
def finish(name: Which = "", by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Bring the running drill to its end; what is missing of it makes it incomplete."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "finish", by, ""))


@drill.command("sign-off", short_help="Stand by the result of a drill; two people must.")
def sign_off(
    name: Annotated[str, typer.Argument(metavar="ID", help="The drill, such as DRILL-0007.")],
    note: Annotated[str, typer.Option(help="What you want to be read beside your name.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Stand by the result of a drill; two people must, and only signatures from Slack count towards the two."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "sign-off", by, note))


@drill.command("report", short_help="Print what a drill proved.")
def report(name: Which = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Print what a drill proved: its clock, what is missing, and the drills and incidents beside it."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.report(drills.Files(env_file, secrets_dir), name, output))


@drill.command("rehearse")
def rehearse(  # what a person may say
    for_: Annotated[str, typer.Option("--for", help="How long people have from the page on, such as 2m.")] = "2m",
    participant: Annotated[
        list[str] | None, typer.Option(help="Slack id of a user or user group who takes part; repeat it.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the page in this file, as Markdown.")] = None,
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    *,
    page_others: Annotated[
        bool, typer.Option("--page-others", help="Send the other pagers a page marked as a test.")
    ] = False,
) -> None:
    """Prove in two minutes that a page arrives and can be answered. Exit code 0: all of it, 1: not all."""
    from monitor.cli import rehearse as rehearsing  # noqa: PLC0415

    wanted = rehearsing.Wanted(for_, tuple(participant or ()), by, out, page_others)
    raise typer.Exit(rehearsing.run(rehearsing.Files(env_file, secrets_dir), wanted))


@drill.command("due")
def due(
    after_migration: Annotated[
        str, typer.Option(metavar="NAME", help="Say that this major migration was made now: it asks for a drill.")
    ] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
    output: Format = "text",
) -> None:
    """Say when the next drill is due, and why."""
    from monitor.cli import drilldue  # noqa: PLC0415

    raise typer.Exit(drilldue.due(drilldue.Files(env_file, secrets_dir), after_migration, by, output))
