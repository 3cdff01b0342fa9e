"""A folder with rules and an env file, and the command line called in it as somebody would, in this process."""

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from monitor.cli.main import app

RULES = """
groups:
  - name: apis
    interval: 15s
    rules:
      - alert: ApiErrors
        service: transactions
        signal: {query: {expr: 'api_errors', by: [job]}}
        prepare: {above: 2, for: 5m}
        annotations: {summary: "API errors"}
"""
PROCEDURE = "title: Roll back\nsteps: [{id: declare, title: Declare incident mode}]\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line printed, and its exit code."""

    code: int
    out: str
    err: str


class Folder:
    """Rules, routing, settings, and a database beside them."""

    def __init__(self, path: Path, *, routing: str = "default: {channel: C0OPS, responders: [S0ONCALL]}\n") -> None:
        self.path, self.url = path, f"sqlite:///{path / 'monitor.db'}"
        self.write("rules/routing.yaml", f"environment: production\n{routing}")
        self.write("rules/apis.yaml", RULES)
        self.write("rules/procedures/rollback.yaml", PROCEDURE)
        self.settings = {"RULES": str(path / "rules"), "DATABASE_URL": self.url}

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run(self, *words: str, **settings: str) -> Said:
        """Call the command line with the folder's settings, and these, in an env file."""
        lines = [f"MONITOR_{name}='{value}'" for name, value in (self.settings | settings).items()]
        env_file = self.write("env", "\n".join(lines) + "\n")
        done = CliRunner().invoke(app, [*words, "--env-file", str(env_file)], catch_exceptions=False)
        return Said(done.exit_code, done.stdout, done.stderr)
