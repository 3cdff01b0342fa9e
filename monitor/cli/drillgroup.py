"""`drill ...`: drills from the shell."""

from typing import Annotated

import typer

from monitor.cli.options import EnvFile, Format, Name, SecretsDir

DRILL = typer.Argument(metavar="ID", help="The drill, such as DRILL-0007 (default: the one that runs).")
Which = Annotated[str, DRILL]

drill = typer.Typer(help="Drills: prove that the team can roll back within its recovery window.", no_args_is_help=True)


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


@drill.command("inject")
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


@drill.command("finish")
def finish(name: Which = "", by: Name = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None) -> None:
    """Bring the running drill to its end; what is missing of it makes it incomplete."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "finish", by, ""))


@drill.command("sign-off")
def sign_off(
    name: Annotated[str, typer.Argument(metavar="ID", help="The drill, such as DRILL-0007.")],
    note: Annotated[str, typer.Option(help="What you want to be read beside your name.")] = "",
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """Stand by the result of a drill; two people must."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.act(drills.Files(env_file, secrets_dir), name, "sign-off", by, note))


@drill.command("report")
def report(name: Which = "", env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """Print what a drill proved: its clock, what is missing, and the drills and incidents beside it."""
    from monitor.cli import drills  # noqa: PLC0415

    raise typer.Exit(drills.report(drills.Files(env_file, secrets_dir), name, output))
