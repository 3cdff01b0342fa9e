"""Small outcomes to hold decisions against, and the strategy that makes them up."""

from dataclasses import replace

from hypothesis import strategies as st

from monitor.core.model import AlertKey, Labels, Tier
from monitor.core.replay.outcome import Paged, Replayed, Stretch

END = 7 * 86400
AUTH: Labels = (("job", "auth"),)


def key(alert: str = "A", labels: Labels = AUTH, tier: Tier = Tier.PREPARE) -> AlertKey:
    return AlertKey(alert, labels, tier)


def stretch(since: int, fired: int | None, resolved: int | None, of: AlertKey | None = None) -> Stretch:
    return Stretch("g", of or key(), since, fired, resolved, 0.5, 1)


def page(at: int, *of: AlertKey, reason: str = "prepare_opens") -> Paged:
    keys = of or (key(),)
    return Paged(at, reason, keys[0].tier, keys, "INC-1")


def outcome(pages: tuple[Paged, ...] = (), alerts: tuple[Stretch, ...] = ()) -> Replayed:
    return Replayed(0, END, 15, alerts, pages, (), (), ())


KEYS = st.sampled_from(
    [key(alert, labels, tier) for alert in "AB" for labels in ((), AUTH) for tier in (Tier.PREPARE, Tier.ROLLBACK)]
)


@st.composite
def outcomes(draw: st.DrawFn) -> Replayed:
    """Stretches that follow each other for each key, and pages of some of those that are going on."""
    alerts: list[Stretch] = []
    for of in draw(st.lists(KEYS, unique=True, max_size=4)):
        at = 0
        for _ in range(draw(st.integers(0, 3))):
            since = at + draw(st.integers(1, 6))
            fired = since + draw(st.integers(0, 3))
            at = fired + draw(st.integers(1, 6))
            alerts.append(stretch(since, fired, at, of))
    pages = [page(one.fired_at or 0, one.key) for one in alerts if draw(st.booleans())]
    pages += [replace(page(3), alerts=()) for _ in range(draw(st.integers(0, 1)))]
    pages += [page(draw(st.integers(0, 20)), draw(KEYS)) for _ in range(draw(st.integers(0, 2)))]
    return outcome(tuple(pages), tuple(alerts))
