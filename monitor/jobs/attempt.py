"""Work that may go wrong without taking anything else with it."""

from collections.abc import Callable

import structlog

from monitor.ports.store import ConflictError, StoreError

log = structlog.get_logger()


def attempted(failed: str, work: Callable[[], object], **about: str) -> bool:
    """Do `work`; whatever goes wrong is told as the event `failed`, `about` what it was. Give whether it went well.

    It is the one catch-all of a job: the next tick tries again. A trace stands only where the cause is unknown: a
    database that cannot be used says so in its sentence.
    """
    try:
        work()
    except Exception as error:  # see above
        expected = isinstance(error, StoreError | ConflictError)
        log.error(failed, why=str(error), exc_info=not expected, **about)  # noqa: TRY400  # see above
        return False
    return True
