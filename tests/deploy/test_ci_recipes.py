"""The hook and the CI recipes of deploy/ci, run in git repositories of their own; docs/tuning.md shows the same."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "deploy" / "ci"
TUNING = (ROOT / "docs" / "tuning.md").read_text()

RULES = """\
groups:
  - name: apis
    rules:
      - alert: ApiFailing
        service: api
        signal: {error_ratio: {requests: 'requests_total{job="api"}', failures: 'code=~"5.."', by: [job]}}
        prepare: {above: 2%, for: 5m}
"""
BROKEN = RULES.replace("above", "abov")

PROGRAM = """\
#!/bin/sh
echo "$@" >>"{calls}"
case "$1${{PRETEND:-}}" in
    check|diff) exec {python} -m monitor "$@" ;;
    *) {says}; exit {code} ;;
esac
"""
"""The rollback-monitor on the PATH: what reads files is real unless it pretends; the rest says that it was called."""


@dataclass
class Repository:
    """A git repository with rules in it, and a rollback-monitor on its PATH."""

    path: Path
    calls: Path
    env: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("git", "-c", "user.name=Ana", "-c", "user.email=ana@example.com", *words, ok=ok)

    def run(self, *command: str, ok: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.path, env={**self.env, **more}, capture_output=True, text=True, check=False
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def write(self, text: str, name: str = "rules/apis.yaml") -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def commit(self, *, ok: bool = True) -> subprocess.CompletedProcess[str]:
        return self.git("commit", "--quiet", "-m", "change", ok=ok)

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


def program(tmp_path: Path, code: int = 0, says: str = 'echo "said of $1"') -> None:
    there = tmp_path / "bin" / "rollback-monitor"
    there.parent.mkdir(exist_ok=True)
    there.write_text(PROGRAM.format(calls=tmp_path / "calls", python=sys.executable, code=code, says=says))
    there.chmod(0o755)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    program(tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MONITOR_"))}
    alone = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PYTHONPATH": str(ROOT)}
    env = {**kept, **alone, "PATH": f"{tmp_path / 'bin'}:{kept['PATH']}"}
    made = Repository(tmp_path / "repository", tmp_path / "calls", env)
    made.path.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.write("environment: test\n", "rules/routing.yaml")
    made.write("title: R\nsteps: [{id: a, title: A}]\n", "rules/procedures/rollback.yaml")
    made.write(RULES)
    made.git("add", ".")
    made.commit()
    return made


# --- the hook ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    repository.run("install", "-m", "755", str(CI / "pre-commit"), ".git/hooks/pre-commit")
    return repository


def test_the_hook_refuses_a_broken_rule_with_its_place(hooked: Repository) -> None:
    hooked.write(BROKEN)
    hooked.git("add", ".")
    refused = hooked.commit(ok=False)
    assert refused.returncode == 1
    assert "rules/apis.yaml:7:19: error: unknown key `abov` in a tier [unknown-key]" in refused.stdout + refused.stderr
    assert hooked.git("log", "--oneline").stdout.count("\n") == 1


def test_the_hook_looks_at_what_is_staged(hooked: Repository) -> None:
    hooked.write(RULES.replace("2%", "3%"))
    hooked.git("add", ".")
    hooked.write(BROKEN)
    hooked.commit()
    hooked.git("add", ".")
    hooked.write(RULES)
    assert hooked.commit(ok=False).returncode == 1


def test_the_hook_runs_the_rule_tests_and_takes_their_word(hooked: Repository, tmp_path: Path) -> None:
    hooked.env["PRETEND"] = "1"
    hooked.write("tests: []\n", "rules/tests/apis.yaml")
    hooked.git("add", ".")
    hooked.commit()
    assert hooked.called == ["check rules", "test rules"]
    hooked.write(RULES.replace("2%", "3%"))
    hooked.git("add", ".")
    program(tmp_path, code=1)
    assert hooked.commit(ok=False).returncode == 1


def test_the_hook_leaves_other_commits_alone(hooked: Repository) -> None:
    hooked.write("hello\n", "README")
    hooked.git("add", ".")
    hooked.commit()
    assert hooked.called == []


# --- the review -------------------------------------------------------------------------------------------------------


def reviewed(repository: Repository, *, ok: bool = True, **env: str) -> tuple[int, str]:
    done = repository.run(str(CI / "review-rules"), "rules", "main", ok=ok, **env)
    return done.returncode, (repository.path / "review.md").read_text()


def test_a_review_says_what_the_change_would_do(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "milder")
    repository.write(RULES.replace("2%", "3%"))
    _, review = reviewed(repository, MONITOR_PROMETHEUS__URL="http://prometheus:9090")
    assert review.startswith("## Review of rules\n")
    assert "fine" in review
    assert "ApiFailing: prepare above 2 % -> 3 %, state re-derived" in review
    assert review.endswith("said of replay\n")
    (replay,) = [line for line in repository.called if line.startswith("replay ")]
    assert re.fullmatch(r"replay --rules rules --against \S+/base/rules --from -7d --format markdown", replay)


def test_a_review_runs_the_rule_tests_and_takes_their_word(repository: Repository, tmp_path: Path) -> None:
    repository.env["PRETEND"] = "1"
    repository.write("tests: []\n", "rules/tests/apis.yaml")
    assert reviewed(repository)[0] == 0
    assert "test rules" in repository.called
    program(tmp_path, code=1)
    code, review = reviewed(repository, ok=False)
    assert code == 1
    assert "said of test" in review


def test_a_review_is_never_too_long_for_a_comment(repository: Repository, tmp_path: Path) -> None:
    repository.env["PRETEND"] = "1"
    repository.write("tests: []\n", "rules/tests/apis.yaml")
    program(tmp_path, code=1, says="seq -f '%0100.0f' 600")
    _, review = reviewed(repository, ok=False, MONITOR_PROMETHEUS__URL="http://prometheus:9090")
    assert len(review.encode()) < 65_536
    assert review.count("... and 540 lines more, in the log of this run\n````\n") == 3
    assert review.endswith(f"{1:0100}\n\nThe whole is too long for a comment: `replay --against` says the rest.\n")


def test_a_review_without_its_base_says_so_in_the_comment(repository: Repository) -> None:
    done = repository.run(str(CI / "review-rules"), "rules", "origin/gone", ok=False)
    review = (repository.path / "review.md").read_text()
    assert done.returncode == 1
    assert "No review: the base `origin/gone` is not there. Is it fetched?" in review
    assert "invalid reference: origin/gone" in review
    assert "Is it fetched?" in done.stdout


def test_a_review_leaves_nothing_behind(repository: Repository) -> None:
    reviewed(repository)
    assert repository.git("worktree", "list").stdout.count("\n") == 1
    assert repository.git("status", "--short").stdout == "?? review.md\n"


def test_a_review_of_a_broken_rule_fails_and_says_why(repository: Repository) -> None:
    repository.write(BROKEN)
    code, review = reviewed(repository, ok=False)
    assert code == 1
    assert "rules/apis.yaml:7:19: error: unknown key `abov`" in review
    assert "No replay: this runner has no MONITOR_PROMETHEUS__URL." in review


def test_a_replay_that_cannot_be_made_is_told_and_fails_nothing(repository: Repository, tmp_path: Path) -> None:
    program(tmp_path, code=2)
    code, review = reviewed(repository, ok=False, MONITOR_PROMETHEUS__URL="http://prometheus:9090")
    assert code == 0
    assert "No replay:" in review


def test_the_first_rules_have_nothing_to_be_held_against(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "empty")
    repository.git("rm", "-r", "--quiet", "-f", ".")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    repository.git("checkout", "--quiet", "main")
    done = repository.run(str(CI / "review-rules"), "rules", "empty", MONITOR_PROMETHEUS__URL="http://prometheus:9090")
    assert done.returncode == 0
    assert "replay --rules rules --from -7d --format markdown" in repository.called


# --- what the recipes ask for ----------------------------------------------------------------------------------------


ASKED = {
    "check": ["--format"],
    "diff": [],
    "schema": ["--out"],
    "init": ["--prometheus", "--channel"],
    "test": [],
    "replay": ["--rules", "--against", "--from", "--format"],
}


@pytest.mark.parametrize(("command", "options"), ASKED.items(), ids=ASKED)
def test_the_program_has_what_is_asked_of_it(command: str, options: list[str]) -> None:
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "monitor", command, "--help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if command in {"test", "replay"} and "No such command" in done.stderr:
        pytest.skip(f"`{command}` comes with another change")
    assert done.returncode == 0, done.stderr
    assert [one for one in options if one not in done.stdout] == []


def test_the_docs_show_the_files_as_they_are() -> None:
    shown = dict(re.findall(r"^<!-- deploy/ci/(\S+) -->\n```\w+\n(.*?)^```$", TUNING, re.MULTILINE | re.DOTALL))
    assert shown == {path.name: path.read_text() for path in CI.iterdir()}


@pytest.mark.parametrize("name", ["pre-commit", "review-rules"])
def test_the_scripts_can_be_read_and_run(name: str) -> None:
    assert subprocess.run(["sh", "-n", str(CI / name)], check=False).returncode == 0
    assert os.access(CI / name, os.X_OK)


@pytest.mark.parametrize("path", sorted(CI.glob("*.yaml")), ids=lambda path: path.name)
def test_the_recipes_are_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)
