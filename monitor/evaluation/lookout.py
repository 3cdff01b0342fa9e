"""What the monitor has seen lately: how long each group, rule and firing instance has gone without a usable reading.

Keeps monotonic times only; what blindness means for alerts is decided in `monitor.core.judging.evaluate.look`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from monitor.core.judging.evaluate import Sight
from monitor.core.judging.judge import unseen
from monitor.core.model import AlertKey, Judgement, Labels, Presence, Tier, Verdict
from monitor.core.rules.rule import Group, Rule

NEVER = "nothing has been read since the monitor started"

NAMED = 5
"""Instances beyond the limit that are named."""

A_MOMENT = 0.001
"""Seconds that make nothing blind and are no sight either."""


MISSED = 2
"""Looks without an instance after which it has vanished."""

SOURCE = AlertKey("Prometheus", (("source", "Prometheus"),), Tier.BLIND)
"""The identity of the blind alert about the source of all readings."""


def group_key(name: str) -> AlertKey:
    """Give the identity of the blind alert about a whole group."""
    return AlertKey(name, (("group", name),), Tier.BLIND)


@dataclass(frozen=True, slots=True)
class Look:
    """How one evaluation of one rule went.

    `waiting` and `error` say what is wrong; `judgements` are those of the last point; `active` are the alerts whose
    instances must have data; `left_out` the instances beyond the group's limit.
    """

    rule: Rule
    waiting: str = ""
    error: str = ""
    instances: int = 0
    judgements: Mapping[AlertKey, Judgement] = field(default_factory=dict)
    active: tuple[AlertKey, ...] = ()
    left_out: tuple[Labels, ...] = ()


@dataclass(slots=True)
class _Seen:
    """When something was last seen; `ever` is False while that is only the time from which it was waited for."""

    at: float
    why: str = NEVER
    ever: bool = False
    absent: int = 0
    """Looks in a row that were answered and did not hold it."""

    def now(self, at: float) -> None:
        self.at, self.ever, self.absent = at, True, 0

    def sight(self, subject: str, labels: Labels, measured: float, interval: int) -> Sight:
        """How long it is unseen at `measured`.

        Read within the last two intervals it is seen: nothing is read between two ticks.
        """
        unseen_for = max(0.0, measured - self.at)
        if self.ever and unseen_for < 2 * interval:
            unseen_for = 0.0
        return Sight(subject, labels, unseen_for if self.ever else max(unseen_for, A_MOMENT), self.why)


class Lookout:
    """Remembers when each subject was last seen. Thread-safe."""

    def __init__(self) -> None:
        self._source: _Seen | None = None
        self._answered: dict[str, _Seen] = {}
        self._rules: dict[str, _Seen] = {}
        self._instances: dict[AlertKey, _Seen] = {}
        self._lock = Lock()

    def note(self, group: Group, looks: Sequence[Look], now: float) -> None:
        """Remember how an evaluation of `group` went at monotonic time `now`."""
        with self._lock:
            answered = self._answered.setdefault(group.name, _Seen(now))
            waiting = [look.waiting for look in looks if look.waiting]
            source = self._source = self._source or _Seen(now)
            if len(waiting) < len(looks) or not looks:
                answered.now(now)
                source.now(now)
            elif waiting:
                answered.why = source.why = waiting[0]
            for look in looks:
                self._note_rule(look, now)
                self._note_instances(look, now)

    def _note_rule(self, look: Look, now: float) -> None:
        seen = self._rules.setdefault(look.rule.alert, _Seen(now))
        if look.waiting or look.error:
            seen.why = look.waiting or look.error
        elif look.instances == 0 and not look.rule.optional:
            seen.why = _nothing_of(look)
        else:
            seen.now(now)

    def _note_instances(self, look: Look, now: float) -> None:
        """Only instances that are expected, pend or fire are held to having data; those beyond the limit never have."""
        beyond = _beyond(look)
        held = {*look.active, *([beyond] if beyond else [])}
        for key in [key for key in self._instances if key.alert == look.rule.alert and key not in held]:
            del self._instances[key]
        if beyond:
            self._instances.setdefault(beyond, _Seen(now)).why = _told(look.left_out)
        for key in look.active:
            seen = self._instances.setdefault(key, _Seen(now, "no data"))
            judgement = look.judgements.get(key)
            if judgement is not None and judgement.verdict not in {Verdict.NO_DATA, Verdict.ERROR}:
                seen.now(now)
            elif not (look.waiting or look.error) and (judgement is None or judgement.verdict is Verdict.NO_DATA):
                seen.absent += 1

    def presence(self, key: AlertKey) -> Presence:
        """Tell whether the instance of `key`, an alert that pends or fires, is still in the data.

        One look without it is none: a scrape may be late. Where nothing is answered it is as it was seen last.
        """
        with self._lock:
            seen = self._instances.get(key)
            if seen is not None and seen.absent >= MISSED:
                return Presence.VANISHED
            return Presence.THERE if seen is not None and seen.ever else Presence.UNKNOWN

    def keep(self, groups: Sequence[Group]) -> None:
        """Forget what stands in none of `groups`: should a reload bring it back, it is waited for anew."""
        names, rules = {group.name for group in groups}, {rule.alert for group in groups for rule in group.rules}
        with self._lock:
            self._answered = {name: seen for name, seen in self._answered.items() if name in names}
            self._rules = {alert: seen for alert, seen in self._rules.items() if alert in rules}
            self._instances = {key: seen for key, seen in self._instances.items() if key.alert in rules}

    def source_sight(self, groups: Sequence[Group], now: float) -> Sight:
        """Give how long nothing at all has been answered at monotonic time `now`."""
        with self._lock:
            self._source = self._source or _Seen(now)
            interval = min((group.interval for group in groups), default=1)
            return self._source.sight(SOURCE.alert, SOURCE.labels, now, interval)

    def sights(self, group: Group, now: float, kept: Iterable[AlertKey] = ()) -> tuple[Sight, ...]:
        """Give how long each subject of `group` has been unseen at monotonic time `now`.

        While the whole group goes without an answer, that alone is told: its rules are measured up to the last answer;
        and while the source gives none to anybody, not even that: groups are measured up to the source's last answer.
        A rule in the shadow is no subject: it pages nobody, not by its absence either.
        `kept` are its blind alerts: those of a rule that was not evaluated since the monitor started are not seen yet.
        """
        with self._lock:
            answered = self._answered.setdefault(group.name, _Seen(now))
            own = group_key(group.name)
            told = self._source.at if self._source is not None else now
            sights = [answered.sight(own.alert, own.labels, max(told, answered.at), group.interval)]
            for rule in (one for one in group.rules if not one.shadow):
                seen = self._rules.get(rule.alert)
                if seen is None:
                    mine = [key for key in kept if key.alert == rule.alert and key != own]
                    sights += [Sight(key.alert, key.labels, A_MOMENT, NEVER) for key in mine]
                    continue
                sights.append(seen.sight(rule.alert, (), answered.at, group.interval))
                sights += self._instance_sights(rule, answered.at, group.interval)
            return tuple(sights)

    def _instance_sights(self, rule: Rule, answered: float, interval: int) -> Iterable[Sight]:
        sights = {
            key.labels: seen.sight(rule.alert, key.labels, answered, interval)
            for key, seen in self._instances.items()
            if key.alert == rule.alert and key.labels
        }
        return sights.values()


def _nothing_of(look: Look) -> str:
    """Say why no instance gave anything to judge: what was read is of no use, or nothing was."""
    nothing = unseen(look.rule.signal).why
    useless = (one.why for one in look.judgements.values() if one.why != nothing)
    return next(useless, "its selectors match no series")


def _beyond(look: Look) -> AlertKey | None:
    return AlertKey(look.rule.alert, (("instances", "over the limit"),), Tier.BLIND) if look.left_out else None


def _told(left_out: Sequence[Labels]) -> str:
    """Name the instances that are not evaluated, the first few of many."""
    named = ["/".join(value for _, value in labels) for labels in left_out[:NAMED]]
    more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
    return f"more instances than the group's limit: {', '.join(named)}{more} are not evaluated"
