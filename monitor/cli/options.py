"""The options and arguments that many commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

EnvFile = Annotated[Path | None, typer.Option("--env-file", help="A file of MONITOR_… settings.")]
SecretsDir = Annotated[Path | None, typer.Option("--secrets-dir", help="A folder with a file for each secret.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, such as INC-0001.")]
Name = Annotated[
    str, typer.Option("--as", help="Your name in the record; shown as unverified. Default: the login name.")
]
Format = Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")]
