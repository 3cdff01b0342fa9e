import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.demo.children import ChildDiedError, Children, Stopped

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def children(tmp_path: Path, stop: threading.Event) -> Iterator[Children]:
    with Children(tmp_path, stop, grace=0.3) as running:
        yield running


def test_a_process_that_dies_is_named_with_its_code_and_last_words(children: Children) -> None:
    children.start("shop", [sys.executable, "-c", "import sys; sys.exit('no port is free')"])
    with pytest.raises(ChildDiedError, match=r"shop ended with exit code 1(.|\n)*no port is free"):
        children.rest(10)


def test_a_process_that_is_killed_is_named_with_the_signal(children: Children) -> None:
    child = children.start("prometheus", ["sleep", "60"])
    child.process.kill()
    with pytest.raises(ChildDiedError, match="prometheus ended by signal 9"):
        children.rest(10)


def test_a_wish_to_stop_ends_any_wait(children: Children, stop: threading.Event) -> None:
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Stopped):
        children.rest(60)


def test_a_wait_gives_what_was_found_or_none_when_the_time_is_over(children: Children) -> None:
    assert children.until(lambda: "found", 60) == "found"
    assert children.until(lambda: None, 0.1) is None


def test_all_are_ended_even_one_that_ignores_sigterm(tmp_path: Path, stop: threading.Event) -> None:
    with Children(tmp_path, stop, grace=0.3) as children:
        stubborn = children.start("stubborn", [sys.executable, "-c", STUBBORN])
        tame = children.start("tame", ["sleep", "60"])
        assert children.until(lambda: "up" in stubborn.log.read_text() or None, 10)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert (stubborn.process.returncode, tame.process.returncode) == (-9, -15)
    for child in (stubborn, tame):
        with pytest.raises(ProcessLookupError):
            os.kill(child.process.pid, 0)
