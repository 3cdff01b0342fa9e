"""Fixed commands as real processes: how they end, what is kept of them, and what of ours they never see."""

import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.adapters.processes import KEPT, FixedCommands
from monitor.ports.world import CommandRunner, Exited, Killed, NotStarted
from monitor.settings.environment import command_environment

CANARY = "canary-7f3a"
ENOUGH = 30.0
"""A deadline that nothing here reaches, on a loaded machine either."""

FORKS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    open("child", "w").write(str(os.getpid()))
    time.sleep(60)
open("parent", "w").write(str(os.getpid()))
print("begun", flush=True)
time.sleep(60)
"""
LEAVES_ONE = """
import os, time
if os.fork() == 0:
    open("child", "w").write(str(os.getpid()))
    time.sleep(60)
while not os.path.exists("child"):
    time.sleep(0.01)
print("done", flush=True)
os._exit(3)
"""


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[FixedCommands]:
    runner = FixedCommands(tmp_path, command_environment())
    yield runner
    runner.close()


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def run(runner: CommandRunner, script: str, deadline: float = ENOUGH) -> Exited | Killed | NotStarted:
    return runner.run(python(script), deadline=deadline)


def alive(folder: Path, name: str) -> bool:
    """Whether the process that wrote its number into a file still runs, looked at for a while."""
    pid = int((folder / name).read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("print('12 of 12'); print('ok')", Exited(0, "12 of 12\nok\n")),
        ("import sys; sys.stderr.write('no schema'); sys.exit(3)", Exited(3, "no schema")),
        ("import os; os.kill(os.getpid(), 9)", Exited(-9, "")),
        ("import os; os.close(1); os.close(2); import time; time.sleep(0.2)", Exited(0, "")),
        ("import sys; print(repr(sys.stdin.read()))", Exited(0, "''\n")),
        (r"import os; os.write(1, b'\xff\xfe')", Exited(0, "\ufffd\ufffd")),
    ],
    ids=["well", "badly, on stderr", "by a signal", "silently, after its output", "reading stdin", "no text"],
)
def test_a_command_ends(commands: FixedCommands, script: str, expected: Exited) -> None:
    assert run(commands, script) == expected


def test_it_reads_nothing_of_what_the_monitor_is_given(commands: FixedCommands) -> None:
    reading, writing = os.pipe()
    os.write(writing, CANARY.encode())
    os.close(writing)
    ours = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert run(commands, "import sys; print(repr(sys.stdin.read()))") == Exited(0, "''\n")
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(reading)


def test_the_preflight_of_the_playbook_runs_in_its_folder(commands: FixedCommands, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "release_preflight.py").write_text("import sys; print(sys.argv[1:]); sys.exit(0)\n")
    ended = commands.run(["python3", "tools/release_preflight.py", "--quick"], deadline=ENOUGH)
    assert ended == Exited(0, "['--quick']\n")


def test_no_shell_reads_a_word(commands: FixedCommands) -> None:
    words = ["$HOME", "a b", "; touch x", "`id`", "*", "> y"]
    ended = commands.run([*python("import sys; print(sys.argv[1:])"), *words], deadline=ENOUGH)
    assert ended == Exited(0, f"{words}\n")


def test_a_child_that_ignores_sigterm_is_killed_with_all_it_started(commands: FixedCommands, tmp_path: Path) -> None:
    began = time.monotonic()
    ended = run(commands, FORKS, deadline=2)
    assert ended == Killed("begun\n")
    assert 2 <= time.monotonic() - began < ENOUGH / 2
    assert not alive(tmp_path, "parent")
    assert not alive(tmp_path, "child")


def test_what_a_command_leaves_behind_is_killed_when_it_ends(commands: FixedCommands, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run(commands, LEAVES_ONE) == Exited(3, "done\n")
    assert time.monotonic() - began < ENOUGH / 2
    assert not alive(tmp_path, "child")


def test_of_a_flood_the_end_is_kept_from_a_whole_line_on(commands: FixedCommands) -> None:
    ended = run(commands, "for n in range(300_000): print(f'line {n}')\nprint('the end')")
    assert isinstance(ended, Exited)
    lines = ended.output.splitlines()
    assert len(ended.output) <= KEPT
    assert lines[-2:] == ["line 299999", "the end"]
    assert lines[0].startswith("line ")
    assert int(lines[0].removeprefix("line ")) == 300_000 - (len(lines) - 1)


def test_a_flood_takes_little_memory(commands: FixedCommands) -> None:
    tracemalloc.start()
    try:
        run(commands, "import os\nfor _ in range(400): os.write(1, b'x' * 65536)")
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_flood_without_end_is_killed_at_the_deadline(commands: FixedCommands) -> None:
    ended = run(commands, "import os\nwhile True: os.write(1, b'x' * 65536)", deadline=0.5)
    assert isinstance(ended, Killed)
    assert 0 < len(ended.output) < KEPT


def test_it_sees_nothing_of_the_monitors_environment(
    commands: FixedCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MONITOR_CONSOLE_TOKEN", "SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("LANG", "C.UTF-8")
    runner = FixedCommands(tmp_path, command_environment())
    ended = run(runner, "import os; print(sorted(os.environ))")
    assert isinstance(ended, Exited)
    assert set(eval(ended.output)) <= {"PATH", "LANG", "HOME", "LC_CTYPE"}  # noqa: S307  # a list of names of ours
    assert run(commands, "import os; print('canary' in str(dict(os.environ)))") == Exited(0, "False\n")


def test_it_inherits_no_open_file(commands: FixedCommands, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as opened:
        os.set_inheritable(opened.fileno(), True)  # noqa: FBT003
        ended = run(
            commands, f"import os\ntry: os.fstat({opened.fileno()}); print('open')\nexcept OSError: print('no')"
        )
    assert ended == Exited(0, "no\n")


NEVER = [
    ("no such program", ["no-such-program"], "there is no program no-such-program"),
    ("a folder", ["/"], "/ could not be started: Permission denied"),
    ("a NUL", ["true\0"], "true\0 could not be started: ValueError"),
]


@pytest.mark.parametrize(("argv", "why"), [case[1:] for case in NEVER], ids=[case[0] for case in NEVER])
def test_what_cannot_be_started_says_why(commands: FixedCommands, argv: list[str], why: str) -> None:
    assert commands.run(argv, deadline=ENOUGH) == NotStarted(why)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = FixedCommands(tmp_path / "gone", command_environment())
    assert gone.run(["true"], deadline=1) == NotStarted(f"there is no folder {tmp_path / 'gone'} to run it in")


def test_closing_kills_what_runs(commands: FixedCommands, tmp_path: Path) -> None:
    ended: list[object] = []
    thread = threading.Thread(target=lambda: ended.append(run(commands, FORKS)))
    thread.start()
    give_up = time.monotonic() + ENOUGH
    while not (tmp_path / "parent").exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    commands.close()
    thread.join(ENOUGH)
    assert ended == [Exited(-9, "begun\n")] or ended == [Exited(-9, "")]
    assert not alive(tmp_path, "parent")


def test_many_at_once_leave_no_zombie_and_no_open_file(commands: FixedCommands) -> None:
    before, pids = opened(), list[int]()

    def one() -> None:
        ended = run(commands, "import os; print(os.getpid())")
        assert isinstance(ended, Exited)
        pids.append(int(ended.output))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENOUGH)
    assert len(pids) == len(threads)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert opened() == before


def opened() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
