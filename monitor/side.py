"""What judges, decides and shows: once for production, and once more, with a store of its own, for drills.

Two sides share the clock, the source of readings and the pager, and nothing that is kept: what happens on one cannot
touch what the other knows.
"""

from dataclasses import dataclass

from monitor.delivery.headstart import HeadStart
from monitor.delivery.outbox import Outbox
from monitor.desk.desk import Desk
from monitor.desk.scenes import Scenes
from monitor.evaluation.engine import Engine
from monitor.evaluation.vigil import Vigil
from monitor.evidence.collecting import Evidence
from monitor.evidence.keeping import Keeper
from monitor.people.commands import Commands
from monitor.people.ears import Ears
from monitor.people.hearing import Hearing
from monitor.ports.store import Store
from monitor.procedure.following import Follower
from monitor.procedure.gatekeeping import Gatekeeper
from monitor.procedure.verification import Verifier
from monitor.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its store, the rules that it judges by, and everything that works on them."""

    store: Store
    book: RuleBook
    desk: Desk
    engine: Engine
    vigil: Vigil
    commands: Commands
    verifier: Verifier
    follower: Follower
    gate: Gatekeeper
    outbox: Outbox
    head_start: HeadStart
    hearing: Hearing
    ears: Ears
    scenes: Scenes
    evidence: Evidence
    keeper: Keeper
