"""A replay as a terminal shows it: pages first, then each alert, then what nobody could have seen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from monitor.cli.replayjson import Told
from monitor.core.model import AlertKey, Labels, Tier, utc
from monitor.core.replay import sentences
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import Paged, Replayed, Stretch, Variant
from monitor.core.replay.scoring import Scored
from monitor.core.replay.totals import fired_span, totals
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Unit, unit_of
from monitor.core.words import lasted_seconds, measure, plain, shortened
from monitor.workbench.report.sweeps import varied

WIDTH = 100
ROWS = 40
"""Rows of one table; `--format json` has all of them."""

TIERS = {Tier.ROLLBACK: "ROLLBACK", Tier.PREPARE: "prepare", Tier.BLIND: "blind"}
REASONS = {
    "prepare_opens": "opens",
    "rollback_opens": "opens",
    "blind_opens": "opens",
    "raised": "raised",
    "rollback_joins": "joins",
    "service_joins": "joins",
    "back": "back",
}
"""Why a page comes: it opens an incident, raises it, joins it, or it is back."""

Row = Sequence[str]


class View:
    """Tells what was found, in the units of each alert's values; `rules` are all that an alert may be of."""

    def __init__(self, told: Told, rules: Sequence[RuleSet]) -> None:
        every = [rule for one in rules for group in one.groups for rule in group.rules]
        self._told = told
        self._units: Mapping[str, Unit] = {rule.alert: unit_of(rule.signal) for rule in every}
        self._below = {(rule.alert, tier.tier) for rule in every for tier in rule.every_tier if tier.below is not None}

    def text(self) -> str:
        """Give all of it."""
        outcome = self._told.outcome
        blocks = [self._head(outcome)]
        if self._told.variants:
            blocks.append(f"{_table(*_sweep(self._told.variants))}\n  What follows is about the first of them.")
        if self._told.compared is not None:
            blocks += self._compared(self._told.compared)
        blocks += [_scored(self._told.scored), self._pages("Pages", outcome.pages, outcome), self._shadow(outcome)]
        blocks.append(self._alerts(outcome))
        blocks += [_blind(outcome), _insufficient(outcome), _unread(outcome)]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def _head(self, outcome: Replayed) -> str:
        lines = [
            f"{_time(outcome.begin)} to {_time(outcome.end)} UTC, evaluated every {outcome.interval} s",
            sentences.whole(sentences.pages(outcome), sentences.rate(outcome)),
        ]
        if self._told.compared is not None:
            lines.append(sentences.whole(sentences.change(self._told.compared)))
        lines.append(sentences.whole(sentences.judged(outcome, self._told.scored, self._told.compared)))
        lines += [f"! {sentences.whole(one)}" for one in sentences.doubts(outcome)]
        return "\n".join(line for line in lines if line)

    # --- tables -----------------------------------------------------------------------------------------------------

    def _compared(self, compared: Compared) -> list[str]:
        moved = [
            (_time(one.new.at), "earlier" if one.by < 0 else "later", lasted_seconds(abs(one.by)), _who(one.new))
            for one in (*compared.earlier, *compared.later)
        ]
        return [
            self._pages("Pages gained", compared.gained, compared.new),
            self._pages("Pages lost", compared.lost, compared.old),
            _table("Pages moved", ("when", "", "by", "alert"), sorted(moved)),
        ]

    def _pages(self, title: str, pages: Sequence[Paged], outcome: Replayed) -> str:
        stretches: dict[AlertKey, list[Stretch]] = {}
        for each in outcome.alerts:
            stretches.setdefault(each.key, []).append(each)
        rows = [
            (
                _time(one.at),
                TIERS[one.tier],
                REASONS.get(one.reason, one.reason),
                *self._how(
                    [each for key in one.alerts for each in stretches.get(key, ()) if _holds(each, one.at)], outcome
                ),
                one.incident,
                _who(one),
            )
            for one in pages
        ]
        return _table(title, ("when", "tier", "why", "fires for", "peak", "incident", "alert"), rows)

    def _shadow(self, outcome: Replayed) -> str:
        """Tell when what is in the shadow fired: whoever takes it out of there is called at these times."""
        rows = [
            (_time(one.fired_at), TIERS[one.key.tier], *self._how([one], outcome), _instanced(one.key))
            for one in outcome.alerts
            if one.fired_at is not None and one.key.alert in outcome.shadowed
        ]
        return _table("Fired in the shadow", ("when", "tier", "fires for", "peak", "alert"), sorted(rows))

    def _how(self, found: Sequence[Stretch], outcome: Replayed) -> tuple[str, str]:
        """Give how long what a page was about fired, and its worst value."""
        spans = [span for one in found if (span := fired_span(one, outcome)) is not None]
        if not spans:
            return "", ""
        longest = max(end - begin for begin, end in spans)
        still = any(one.resolved_at is None for one in found)
        return f"{lasted_seconds(longest)}{' +' if still else ''}", self._peak(found[0])

    def _peak(self, one: Stretch) -> str:
        unit = self._units.get(one.key.alert, Unit.NUMBER)
        return "" if one.peak is None else measure(one.peak, unit).removesuffix(" the baseline")

    def _alerts(self, outcome: Replayed) -> str:
        rows = []
        ordered = sorted(outcome.alerts, key=lambda one: (one.group, one.key.alert, one.key.labels, one.key.tier))
        paged = [key for page in outcome.pages for key in page.alerts]
        for key, some in groupby(ordered, key=lambda one: one.key):
            mine = list(some)
            spans = [span for one in mine if (span := fired_span(one, outcome)) is not None]
            fired = sum(min(end, outcome.end) - max(begin, outcome.begin) for begin, end in spans)
            worst = [one for one in mine if one.peak is not None]
            worse = min if (key.alert, key.tier) in self._below else max
            peak = worse(worst, key=lambda one: one.peak or 0.0) if worst else None
            rows.append(
                (
                    key.alert,
                    _instance(key.labels),
                    TIERS[key.tier],
                    str(len(mine) - len(spans)),
                    str(len(spans)),
                    lasted_seconds(fired) if spans else "-",
                    self._peak(peak) if peak else "",
                    str(paged.count(key)),
                )
            )
        head = ("alert", "instance", "tier", "pended only", "fired", "in all", "peak", "pages")
        return _table("Alerts", head, rows)


def _sweep(variants: Sequence[Variant]) -> tuple[str, Row, list[Row]]:
    names, values = varied(variants)
    rows: list[Row] = []
    for variant, value in zip(variants, values, strict=True):
        found = totals(variant.outcome)
        first = _time(found.first_page) if found.first_page is not None else "-"
        rows.append((*value, str(found.pages), f"{found.firing / 60:.0f}", first))
    short = [name.partition(".")[2] or name for name in names] if len(names) > 1 else list(names)
    return "Sweep", (*short, "pages", "minutes firing", "first page"), rows


def _scored(scored: Sequence[Scored]) -> str:
    rows = [
        (
            one.incident.name,
            _time(one.incident.begin),
            str(one.finding),
            lasted_seconds(one.time_to_page)
            if one.time_to_page is not None and one.time_to_page >= 0
            else _before(one),
            one.why,
        )
        for one in scored
    ]
    return _table("Known incidents", ("name", "from", "", "time to page", ""), rows)


def _before(one: Scored) -> str:
    return "" if one.time_to_page is None else f"{lasted_seconds(-one.time_to_page)} before"


def _blind(outcome: Replayed) -> str:
    rows = [
        (
            one.alert,
            _instance(one.labels),
            _time(one.begin),
            lasted_seconds((outcome.end if one.end is None else one.end) - one.begin),
            one.why,
        )
        for one in outcome.blind
    ]
    return _table("Blind: the data left it unwatched", ("alert", "instance", "since", "for", "why"), rows)


def _insufficient(outcome: Replayed) -> str:
    points = max(1, (outcome.end - outcome.begin) // outcome.interval)
    rows = [
        (
            one.key.alert,
            _instance(one.key.labels),
            TIERS[one.key.tier],
            str(one.evaluations),
            _share(one.evaluations, points),
        )
        for one in sorted(outcome.insufficient, key=lambda one: -one.evaluations)
    ]
    head = ("alert", "instance", "tier", "evaluations", "of the time")
    return _table("Insufficient: too little traffic to judge by", head, rows)


def _share(count: int, points: int) -> str:
    share = min(1.0, count / points)
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"  # noqa: PLR2004  # of a hundred


def _unread(outcome: Replayed) -> str:
    rows = [(one.alert, _time(one.begin), _time(one.end), one.why) for one in outcome.unread]
    return _table("Unread: nothing is known of these times", ("alert", "from", "to", "why"), rows)


# --- words ------------------------------------------------------------------------------------------------------------


def _holds(stretch: Stretch, at: int) -> bool:
    return stretch.since <= at and (stretch.resolved_at is None or at <= stretch.resolved_at + 60)


def _time(at: int) -> str:
    return f"{utc(at):%Y-%m-%d %H:%M:%S}"


def _who(page: Paged) -> str:
    first, *rest = dict.fromkeys(map(_instanced, page.alerts)) or [""]
    return f"{first} and {len(rest)} more" if rest else first


def _instanced(key: AlertKey) -> str:
    return f"{key.alert} {_instance(key.labels)}".strip()


def _instance(labels: Labels) -> str:
    return ", ".join(value for _, value in labels)


def _table(title: str, head: Row, rows: Iterable[Row]) -> str:
    """Give a table no wider than `WIDTH`: its last column takes what is left, wider ones are cut."""
    every = [tuple(plain(cell) for cell in row) for row in rows]
    if not every:
        return ""
    shown, more = every[:ROWS], len(every) - ROWS
    widths = [max(len(row[column]) for row in (head, *shown)) for column in range(len(head))]
    _fit(widths)
    lines = [_line(row, widths, _shorten) for row in (head, *shown)]
    rest = [f"  … and {more} more: --format json has them all"] if more > 0 else []
    return "\n".join([title, *lines, *rest])


def _fit(widths: list[int]) -> None:
    """Take from the widest column what a line is too long by, as long as that helps."""
    while sum(widths) + 2 * len(widths) > WIDTH and max(widths) > 12:  # noqa: PLR2004  # narrower says nothing
        widths[widths.index(max(widths))] -= 1


def _shorten(text: str, width: int) -> str:
    return shortened(text, width).ljust(width)


def _line(row: Row, widths: Sequence[int], cell: Callable[[str, int], str]) -> str:
    return ("  " + "  ".join(cell(text, width) for text, width in zip(row, widths, strict=True))).rstrip()
