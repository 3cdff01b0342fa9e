"""The process that draws: started for one plot, at low priority, with a deadline and without the daemon's secrets."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from subprocess import PIPE

from monitor.adapters.plot.wire import written
from monitor.core.pages.plot import MOST_BYTES, Plot
from monitor.ports.world import Undrawn

WITHIN = 30.0
"""Seconds for one drawing. It takes half a second; at lowered priority on a busy machine much more."""

PNG = b"\x89PNG\r\n\x1a\n"
SHOWN = 200
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "COVERAGE_PROCESS_CONFIG")
"""What the process gets of the environment; tokens stay here."""

ROOT = Path(__file__).parents[3]
"""Where this program is imported from."""

MEMORY = "/dev/shm"  # noqa: S108  # only made use of by mkdtemp, under a name of its own
"""Writable where nothing else is."""


class ProcessArtist:
    """Draws plots. Thread-safe; one at a time."""

    def __init__(
        self, *, within: float = WITHIN, program: tuple[str, ...] = ("-P", "-m", "monitor.adapters.plot")
    ) -> None:
        self._within = within
        self._program = program
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._caches = "/nowhere"

    def draw(self, plot: Plot) -> bytes | Undrawn:
        """Draw `plot` as a PNG; see `monitor.ports.world.Artist`."""
        with self._lock:
            try:
                return self._drawn(plot)
            except subprocess.TimeoutExpired:
                return Undrawn(f"drawing took more than {self._within:.0f} s")
            except OSError as problem:
                return Undrawn(f"the process that draws could not be run ({problem.strerror or problem})")

    def _drawn(self, plot: Plot) -> bytes | Undrawn:
        command = [sys.executable, *self._program]
        with subprocess.Popen(  # noqa: S603  # this program itself
            command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._environment(), cwd="/"
        ) as process:
            self._running = process
            try:
                if self._stopped:
                    return Undrawn("the monitor stops")
                png, said = process.communicate(written(plot), self._within)
            finally:
                self._running = None
                process.kill()
        if process.returncode:
            last = said.decode(errors="replace").strip().rpartition("\n")[2][:SHOWN]
            return Undrawn(f"drawing failed: {last or f'exit {process.returncode}'}")
        if not png.startswith(PNG) or len(png) > MOST_BYTES:
            return Undrawn(f"what was drawn is no PNG of at most {MOST_BYTES} bytes")
        return png

    def stop(self) -> None:
        """Give up what is being drawn, and draw no more."""
        self._stopped = True
        running = self._running
        if running is not None:
            running.kill()

    def _environment(self) -> dict[str, str]:
        """Give what matplotlib needs: a place of its own for its caches, and threads that add nothing here left out."""
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        path = os.pathsep.join(one for one in (str(ROOT), os.environ.get("PYTHONPATH", "")) if one)
        folder = self._folder()
        return {**kept, "PYTHONPATH": path, "MPLCONFIGDIR": folder, "HOME": folder, "OPENBLAS_NUM_THREADS": "1"}

    def _folder(self) -> str:
        """Give the folder of the caches: it goes with this process. Raises OSError where none can be had."""
        if not Path(self._caches).is_dir():
            try:
                self._caches = tempfile.mkdtemp(prefix="rollback-monitor-plots-")
            except OSError:
                self._caches = tempfile.mkdtemp(prefix="rollback-monitor-plots-", dir=MEMORY)
            weakref.finalize(self, shutil.rmtree, self._caches, ignore_errors=True)
        return self._caches
