"""The files that follow in the thread when the record of an incident is complete: the report, and the whole bundle."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.drill.report import NAME as DRILL_REPORT
from monitor.core.evidence import manifest, report
from monitor.core.naming import marked
from monitor.core.pages.paging import REPORT
from monitor.core.words import shortened
from monitor.delivery.filelane import Maker, Unmade
from monitor.evidence.bundles import archive
from monitor.evidence.collecting import Evidence
from monitor.ports.pager import Attachment
from monitor.ports.store import Post, PostKind

MOST_BYTES = 1_000_000
"""The largest bundle that is put into a thread; a larger one is exported from a shell."""

TITLE = 150

RESULT, SIGNED = "result", "signed"
"""The report of a drill: when it was finished, and once it is signed."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """There is no file, and why."""

    why: str
    again: bool = False


@dataclass(slots=True)
class Reports:
    """Makes the files of a complete record; both of one record come from the same bundle."""

    evidence: Evidence
    _made: tuple[tuple[str, int], Mapping[str, bytes]] = (("", 0), {})

    def of(self, post: Post) -> Attachment | Unreported:
        """Give the file of `post`, or why there is none. Takes seconds. Raises StoreError."""
        if post.said in {RESULT, SIGNED}:
            return self._of_drill(post)
        files = self._files(post)
        if not files:
            return Unreported(f"there is no incident {post.incident}")
        if post.said == REPORT:
            title = marked(post.incident, f"{post.incident}: report")
            return Attachment(files[report.NAME], f"{post.incident}-report-{post.n}.md", title)
        packed = archive(files)
        if len(packed) > MOST_BYTES:
            return Unreported(f"it is over {MOST_BYTES // 1000} kB: rollback-monitor incident export {post.incident}")
        seal = manifest.seal_of(files[manifest.NAME])
        words = f"{post.incident}: evidence, SHA-256 of its manifest {seal}"
        title = shortened(marked(post.incident, words), TITLE)
        return Attachment(packed, f"{post.incident}-evidence-{post.n}.zip", title)

    def _of_drill(self, post: Post) -> Attachment | Unreported:
        case = self.evidence.case(post.incident)
        files = self.evidence.beside(case) if case is not None else {}
        if DRILL_REPORT not in files:
            return Unreported(f"there is no drill {post.incident}")
        title = marked(post.incident, f"{post.incident}: what it proved")
        return Attachment(files[DRILL_REPORT], f"{post.incident}-{post.said}.md", title)

    def _files(self, post: Post) -> Mapping[str, bytes]:
        which = (post.incident, post.n // 2)
        if self._made[0] != which:
            self._made = (which, self.evidence.bundle(post.incident) or {})
        return self._made[1]


@dataclass(frozen=True, slots=True)
class Files:
    """Gives each file to who makes its kind."""

    pictures: Maker
    reports: Reports

    def of(self, post: Post) -> Attachment | Unmade:
        """Give the file that is owed, or why there is none."""
        return self.reports.of(post) if post.kind is PostKind.REPORT else self.pictures.of(post)

    def stop(self) -> None:
        """Make no more of them."""
        self.pictures.stop()
