"""What holds for every test: none fails for being slow beside others, and those that take long begin first."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.dealing import dealt

settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of a shell's background jobs: programs under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = ("bench", "e2e", "faults")
"""Folders whose tests mostly wait, for processes that they started."""


@pytest.hookimpl(trylast=True)  # what was deselected is gone by now
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        items[:] = dealt(items, lambda item: item.path.parent.name in LONG, processes)
