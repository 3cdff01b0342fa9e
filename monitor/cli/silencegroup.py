"""`silence ...`: what pages nobody for a while."""

from typing import Annotated

import typer

from monitor.cli.options import EnvFile, Format, Name, SecretsDir

silence = typer.Typer(help="Silences: what pages nobody for a while. Never the rollback tier.", no_args_is_help=True)


@silence.command("add", short_help="Page nobody about new alerts that match.")
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


@silence.command("list", short_help="List silences, newest first, and maintenance windows.")
def silence_list(env_file: EnvFile = None, secrets_dir: SecretsDir = None, output: Format = "text") -> None:
    """List silences, newest first, and maintenance windows, with what they hide and hid."""
    from monitor.cli import silences  # noqa: PLC0415

    raise typer.Exit(silences.show_all(silences.Files(env_file, secrets_dir), output))


@silence.command("expire", short_help="End a silence now.")
def silence_expire(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of the silence.")],
    by: Name = "",
    env_file: EnvFile = None,
    secrets_dir: SecretsDir = None,
) -> None:
    """End a silence now; what it hides and still fires pages within seconds."""
    from monitor.cli import silences  # noqa: PLC0415

    raise typer.Exit(silences.expire(silences.Files(env_file, secrets_dir), number, by))
