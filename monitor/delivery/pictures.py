"""The picture behind a plot that is owed: which alert it shows, and the words beside it.

Between plotting and drawing; it knows neither Prometheus nor Slack.
"""

from dataclasses import dataclass

from monitor.core.incidents.events import Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier, utc
from monitor.core.naming import led
from monitor.core.pages.headline import telling
from monitor.core.pages.plot import Plot
from monitor.core.words import clock, shortened
from monitor.evidence.plotting import Plotting, Unplotted
from monitor.ports.pager import Attachment
from monitor.ports.store import Post, Store
from monitor.ports.world import Artist, Undrawn

TITLE, WORDS = 150, 900
"""Characters of a title, and of the words for those who cannot see the picture."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Gives the pictures of plots that are owed."""

    store: Store
    plotting: Plotting
    artist: Artist

    def of(self, post: Post) -> Attachment | Unplotted:
        """Give the picture of `post`, or why there is none. Takes seconds. Raises StoreError."""
        incident = self.store.incident(post.incident)
        firing = shown(incident, post.said) if incident is not None else None
        if incident is None or firing is None:
            return Unplotted("it has no alert with a value", again=False)
        plot = self.plotting.plot(incident, firing)
        if isinstance(plot, Unplotted):
            return plot
        drawn = self.artist.draw(plot)
        if isinstance(drawn, Undrawn):
            return Unplotted(drawn.why)
        return Attachment(drawn, name_of(post), shortened(title_of(plot), TITLE), shortened(words_of(plot), WORDS))

    def stop(self) -> None:
        """Give up what is being drawn, and draw no more."""
        self.artist.stop()


def shown(incident: Incident, named: str) -> Firing | None:
    """Give the alert that is named, as it last fired; where its rule has another name, what the page begins with."""
    some = [one for one in incident.alerts if one.key.tier is not Tier.BLIND]
    found = [one for one in some if str(one.key) == named]
    return next(iter((*reversed(found), *telling(incident), *some)), None) if some else None


def name_of(post: Post) -> str:
    """Give the name that the file has in the thread of its incident, by which it is known again."""
    return f"{post.incident or 'plot'}-{post.n}.png"


def title_of(plot: Plot) -> str:
    """Give the line over the picture."""
    return f"{plot.title} ({clock_of(plot.start)} to {clock_of(plot.end)} UTC)"


def words_of(plot: Plot) -> str:
    """Give what the picture shows, in words."""
    limits = ", ".join(limit.name for limit in plot.limits)
    bands = ", ".join(f"{one.kind} {clock_of(one.begin)} to {clock_of(one.end)}" for one in plot.bands)
    marks = ", ".join(f"{one.text} {clock_of(one.at)}" for one in plot.marks)
    parts = (led("Plot: ", title_of(plot)), f"Limits: {limits}" if limits else "", bands.capitalize(), marks)
    return ". ".join(part for part in parts if part)


def clock_of(at: int) -> str:
    """Give the time of day (UTC) of a grid time."""
    return clock(utc(at)).removesuffix(" UTC")
