"""What differs between two rule sets beside their rules, in words: routing, procedures, releases. Pure formatting."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from monitor.core.procedures.procedure import Procedure
from monitor.core.rules.changewords import comings, matchers_words, part_words, value_words
from monitor.core.rules.routing import Maintenance, Route, Routing
from monitor.core.rules.service import Releases


def routing_words(old: Routing, new: Routing) -> Iterable[str]:
    """Give a sentence for each key of routing.yaml that differs."""
    for name in (one.name for one in fields(old) if getattr(old, one.name) != getattr(new, one.name)):
        before, after = getattr(old, name), getattr(new, name)
        if name in {"default", "page"}:
            yield f"routing: {'; '.join(part_words(before, after))}"
        elif name == "escalation":
            yield f"routing: escalation {'; '.join(part_words(before, after))}"
        elif name == "routes":
            yield f"routing: {'; '.join(_routes(before, after))}"
        elif name == "maintenance":
            yield f"routing: {'; '.join(_maintenance(before, after))}"
        else:
            yield f"routing: {value_words(name, before, after)}"


def _routes(before: tuple[Route, ...], after: tuple[Route, ...]) -> Iterable[str]:
    olds, news = ({matchers_words(one.matchers): one for one in some} for some in (before, after))
    return _named("route", olds, news) or ("routes in another order",)


def _maintenance(before: tuple[Maintenance, ...], after: tuple[Maintenance, ...]) -> Iterable[str]:
    olds, news = ({one.name: one for one in some} for some in (before, after))
    return _named("maintenance", olds, news) or ("maintenance in another order",)


def _named(kind: str, olds: Mapping[str, object], news: Mapping[str, object]) -> tuple[str, ...]:
    """Give what comes, goes and differs of things with a name."""
    changed = [
        f"{kind} {name} {', '.join(part_words(olds[name], one))}"
        for name, one in news.items()
        if name in olds and olds[name] != one
    ]
    return (*comings(kind, olds, news), *changed)


def procedure_words(olds: Mapping[str, Procedure], news: Mapping[str, Procedure]) -> Iterable[str]:
    """Give a sentence for each procedure that differs."""
    for name in sorted({*olds, *news}):
        before, after = olds.get(name), news.get(name)
        if before is None or after is None:
            yield f"procedure {name}: {'new' if before is None else 'removed'}"
        elif before != after:
            yield f"procedure {name}: {'; '.join(_procedure(before, after))}"


def _procedure(before: Procedure, after: Procedure) -> Iterable[str]:
    yield from (words for words in part_words(before, after) if not words.startswith("steps "))
    olds, news = ({one.id: one for one in each.steps} for each in (before, after))
    steps = _named("step", olds, news)
    yield from steps
    if not steps and before.steps != after.steps:
        yield "steps in another order"


def releases_words(old: Releases, new: Releases) -> Iterable[str]:
    """Give a sentence for each key and service of releases.yaml that differs."""
    for name in ("registry", "lookback", "proven"):
        if getattr(old, name) != getattr(new, name):
            yield f"releases: {value_words(name, getattr(old, name), getattr(new, name))}"
    for name in sorted({one.name for one in (*old.services, *new.services)}):
        before, after = old.service(name), new.service(name)
        if before is None or after is None:
            yield f"releases of {name}: {'new' if before is None else 'removed'}"
        elif before != after:
            yield f"releases of {name}: {'; '.join(part_words(before, after))}"
