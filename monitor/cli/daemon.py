"""`run`: the daemon as a process; what keeps it from starting is told in a sentence each, with exit code 78."""

import os
import sys
import threading
from pathlib import Path

CANNOT_START = 78
"""EX_CONFIG of sysexits.h: something in the configuration state is wrong; a supervisor need not try again."""

TRY_AGAIN = 75
"""EX_TEMPFAIL: the disk is full or fails; a supervisor must try again, until pages can go out."""


def run(*, rules: Path | None, listen: str | None, env_file: Path | None, secrets_dir: Path | None) -> int:
    """Run until stopped by a signal; give the exit code."""
    from monitor.settings.environment import service_manager  # noqa: PLC0415  # heavy, and wanted only here
    from monitor.settings.loading import SettingsError, load  # noqa: PLC0415  # heavy, and wanted only here

    given = {"MONITOR_RULES": str(rules or ""), "MONITOR_LISTEN": listen or ""}
    options = {name: value for name, value in given.items() if value}
    try:
        settings, _ = load(options=options, env_file=env_file, secrets_dir=secrets_dir)
    except SettingsError as error:
        return _refuse(error.sentences)
    # After the settings, so that a mistyped one is told at once.
    from monitor.bootstrap.app import build  # noqa: PLC0415
    from monitor.daemon import Daemon  # noqa: PLC0415
    from monitor.ports.store import StoreError, StoreUnavailableError  # noqa: PLC0415
    from monitor.ruleset.rulesfolder import RulesError  # noqa: PLC0415
    from monitor.runtime.notify import Manager  # noqa: PLC0415
    from monitor.telemetry import configure_logging  # noqa: PLC0415

    configure_logging(settings.log_format, settings.log_level, settings.secrets)
    told = service_manager()
    try:
        daemon = Daemon(build(settings, begin_anew=True), Manager(told.address, told.watchdog))
        daemon.catch_signals()
        daemon.run()
    except RulesError as error:
        return _refuse(error.sentences)
    except StoreUnavailableError as error:
        _refuse([str(error)])
        return TRY_AGAIN
    except StoreError as error:
        return _refuse([str(error)])
    except OSError as error:
        return _refuse([f"MONITOR_LISTEN={settings.listen} cannot be listened on: {error.strerror or error}."])
    return _leave()


def _refuse(sentences: object) -> int:
    for sentence in sentences if isinstance(sentences, list | tuple) else [sentences]:
        sys.stderr.write(f"rollback-monitor: {sentence}\n")
    return CANNOT_START


def _leave() -> int:
    """End with 0, whatever became of the terminal, and at once where a library's thread still hangs.

    Everything of ours is closed by then, and the promise is ten seconds.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    hanging = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    if hanging:
        os._exit(0)
    return 0
