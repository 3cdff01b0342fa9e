"""One running world for the tests of this folder: the shop, its past, and a real Prometheus."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.demo.children import Children
from monitor.demo.world import World, build


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("world")
    with Children(folder, threading.Event()) as children:
        yield build(children, folder)
