"""What was found -> rule files, as text with comments for the person who will own them. Every rule is in the shadow."""

from collections.abc import Iterator, Sequence

from monitor.core.rules.signal import TimeUnit
from monitor.core.words import percent, plain
from monitor.scaffold.found import Found, Probes, Requests, Slowness, Watched
from monitor.scaffold.words import alert_name

_HEAD = """\
# {title}
# Written by `rollback-monitor init` from what {url} had at that moment. It is yours now: edit it.
#
# Every rule is in the shadow: evaluated, recorded, shown, and nobody is paged. Once a day the channel is told what
# would have paged, and `rollback-monitor replay --from -7d` says what each would have done last week. Where that is
# what you want to be called for, take its `shadow: true` away.
version: 1

defaults:
  procedure: rollback
  keep_firing_for: 2m          # clear for so long before it resolves: no page for each flicker
"""

NAMED = 8
"""Services that a comment names."""


def error_rules(found: Found) -> str:
    """Give the file about requests that fail; rules to fill in where nothing was found."""
    head = _head("Requests that fail.", found)
    if not found.requests:
        return head + _by_hand_errors(found)
    names = _names([(one.watched.metric, "Failing") for one in found.requests])
    rules = (_errors(one, name) for one, name in zip(found.requests, names, strict=True))
    return head + _group("errors", found) + "\n".join(rules)


def latency_rules(found: Found) -> str:
    """Give the file about requests that are slow."""
    head = _head("Requests that are slow.", found)
    if not found.slowness:
        return head + _by_hand_latency()
    names = _names([(one.watched.metric, "Slow") for one in found.slowness])
    rules = (_slow(one, name) for one, name in zip(found.slowness, names, strict=True))
    return head + _group("latency", found) + "\n".join(rules)


def probe_rules(found: Found) -> str:
    """Give the file about what does not answer."""
    rules = (_probe(one, "TargetsDown" if one.watched.metric == "up" else "ProbeFailing") for one in found.probes)
    missing = "" if any(one.watched.metric == "probe_success" for one in found.probes) else _by_hand_probe()
    groups = _group("availability", found) + "\n".join(rules) if found.probes else "\ngroups: []\n"
    return _head("What does not answer.", found) + groups + missing


def _head(title: str, found: Found) -> str:
    return _HEAD.format(title=title, url=found.url or "your Prometheus")


def _group(name: str, found: Found) -> str:
    return f"""
groups:
  - name: {name}
    interval: 15s
    query_offset: {found.offset}s          # evaluated so far behind now, so that scrapes have landed
    rules:
"""


def _names(wanted: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Give names that are unique: a second one of a kind gets a number."""
    seen: dict[str, int] = {}
    for metric, what in wanted:
        name = alert_name(metric, what)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}{seen[name]}"


def _comment(*lines: str) -> str:
    return "".join(f"      # {plain(line)}\n" for line in lines if line)


def listed(names: Sequence[str]) -> str:
    """Give the first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def quoted(text: str) -> str:
    """Give `text` as YAML holds it for certain."""
    return "'" + text.replace("'", "''") + "'"


def _who(watched: Watched) -> list[str]:
    """Give comments about the services that are judged, and those that are not."""
    told = [f"`{watched.label}` tells services apart: {listed(watched.services)}."] if watched.label else []
    if not watched.label:
        told = ["No label tells services apart: it judges all of it as one. Add `by: [...]` where there is one."]
    return [*told, *(f"Left out: {name} ({why})." for name, why in list(watched.left_out.items())[:NAMED])]


def _service(watched: Watched) -> str:
    return f'        service: "{{{{ $labels.{watched.label} }}}}"\n' if watched.label else "        service: all\n"


def _by(watched: Watched) -> str:
    return f"            by: [{watched.label}]\n" if watched.label else ""


def _whose(watched: Watched) -> str:
    return f"{{{{ $labels.{watched.label} }}}}: " if watched.label else ""


def span(seconds: int) -> str:
    """Give a length of time as it is written: 90s, 5m."""
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


# --- requests that fail -----------------------------------------------------------------------------------------------


def _errors(one: Requests, name: str) -> str:
    share = percent(one.failed / one.total) if one.total else "nothing to tell"
    of = f"{one.total:,.0f} requests in the last day, {one.failed:,.0f} failed ({share})"
    check = (
        f"Check: is {one.failures} what users feel? There are the values {listed(one.codes)}.",
        "Check: no failure in the last day may also mean that it is counted otherwise." if not one.failed else "",
        "Check: are 2 % the share at which you would get ready, and 25 % that at which you would go back at once?",
    )
    return (
        _comment(f"{one.watched.metric}: {of}.", *_who(one.watched), *check)
        + f"      - alert: {name}\n"
        + _service(one.watched)
        + f"""\
        signal:
          error_ratio:
            requests: {quoted(one.watched.selector)}
            failures: {quoted(one.failures)}
{_by(one.watched)}            window: {span(one.window)}
        guards: {{min_requests: {one.min_requests}}}       # fewer in a window say nothing
        prepare: {{above: 2%, for: {span(one.hold)}, clear: 1.5%}}
        rollback: {{above: 25%, clear: 10%, confidence: 99%, guards: {{min_failures: 5}}}}
        shadow: true
        annotations:
          summary: "{_whose(one.watched)}{{{{ $value | humanizePercentage }}}} of requests fail"
"""
    )


def _by_hand_errors(found: Found) -> str:
    passed = "".join(f"#   {plain(f'{name}: {why}')}\n" for name, why in list(found.passed_over.items())[:NAMED])
    near = f"# Looked at, and not usable:\n{passed}" if passed else ""
    return f"""
# Not found: a counter of requests with a label that tells which failed (code, status, outcome), with enough traffic.
{near}# By hand, with your names, in place of `groups: []`:
#
# groups:
#   - name: errors
#     rules:
#       - alert: ApiFailing
#         service: "{{{{ $labels.job }}}}"
#         signal:
#           error_ratio:
#             requests: 'my_requests_total{{job=~"auth|web"}}'
#             failures: 'code=~"5.."'          # matchers added to requests, or a selector of its own
#             by: [job]
#             window: 1m                       # four scrapes or more
#         guards: {{min_requests: 10}}
#         prepare: {{above: 2%, for: 5m, clear: 1.5%}}
#         shadow: true
groups: []
"""


# --- requests that are slow -------------------------------------------------------------------------------------------


def _slow(one: Slowness, name: str) -> str:
    usual = listed(
        [f"{name} {one.unit.per_second * value:.3g} {one.unit}".strip() for name, value in sorted(one.usual.items())]
    )
    above = f"{one.above:.0%}"
    check = (
        f"p95 is usually: {usual}." if one.usual else "",
        f"Check: {above} slower, since the buckets tell no less apart." if one.above > 0.5 else "",  # noqa: PLR2004  # the playbook's
        "Check: is 50 % slower what your users feel?" if one.above == 0.5 else "",  # noqa: PLR2004  # the same
    )
    return (
        _comment(f"{one.watched.metric}, in {one.unit}.", *_who(one.watched), *check, *_base_comment(one))
        + f"      - alert: {name}\n"
        + _service(one.watched)
        + f"""\
        signal:
          latency:
            histogram: {quoted(one.watched.selector)}
{_unit(one)}            quantile: 0.95
{_by(one.watched)}            window: {span(one.window)}
            baseline: {_baseline(one)}
        guards: {{min_requests: {one.min_requests}}}
        prepare: {{above: {above}, for: {span(one.hold)}, clear: {one.above * 0.6:.0%}}}
        shadow: true
        annotations:
          summary: "{_whose(one.watched)}p95 is {{{{ $value | humanizePercentage }}}} slower than usual"
"""
    )


def _unit(one: Slowness) -> str:
    return f"            unit: {one.unit}\n" if one.unit is not TimeUnit.SECONDS else ""


def _baseline(one: Slowness) -> str:
    if one.fixed is not None:
        return f"{{fixed: {max(1, round(one.fixed * 1000))}ms}}"
    return f"[{', '.join(one.kinds) or 'same_time, trailing'}]"


def _base_comment(one: Slowness) -> list[str]:
    if one.fixed is not None:
        return ["No history to hold it against yet: the slowest p95 until now is fixed.",
                "After a day write baseline: trailing, after a week [same_time, trailing]."]  # fmt: skip
    if one.kinds == ("trailing",):
        return ["After a week of history write baseline: [same_time, trailing]."]
    return []


def _by_hand_latency() -> str:
    return """
# Not found: a histogram of latencies (a metric ending in _bucket, with `le`) with enough traffic. Summaries (a label
# `quantile`) cannot be judged by traffic: watch one with a query. By hand, in place of `groups: []`:
#
# groups:
#   - name: latency
#     rules:
#       - alert: ApiSlow
#         service: "{{ $labels.job }}"
#         signal:
#           latency:
#             histogram: 'my_request_duration_seconds{job=~"auth|web"}'   # without _bucket
#             by: [job]
#             window: 2m
#         guards: {min_requests: 50}
#         prepare: {above: 50%, for: 5m, clear: 30%}
#         shadow: true
groups: []
"""


# --- what does not answer ---------------------------------------------------------------------------------------------


def _probe(one: Probes, name: str) -> str:
    watched = one.watched
    down = f"Down now: {listed(one.down)}." if one.down else "All up now."
    what = "scrapes of a job" if one.watched.metric == "up" else "probes"
    return (
        _comment(
            f"{watched.metric}, {len(watched.services)} by {watched.label}: {listed(watched.services)}.",
            f"{down} Check: is anything among them that nobody is called for at night? Leave it out of the selector.",
        )
        + f"""\
      - alert: {name}
        service: "{{{{ $labels.{one.watched.label} }}}}"
        signal:
          availability:
            probe: {quoted(one.watched.selector)}
            by: [{one.watched.label}]
            window: {span(one.window)}
        prepare: {{below: 50%, for: {span(one.hold)}, clear: 75%}}
        shadow: true
        annotations:
          summary: "{_whose(one.watched)}{{{{ $value | humanizePercentage }}}} of {what} succeed"
"""
    )


def _by_hand_probe() -> str:
    return """
# Not found: probes (probe_success of the blackbox exporter). They see at night, and from outside, what requests do not
# tell. By hand, as one more rule:
#
#       - alert: LoginProbeFailing
#         service: auth
#         signal:
#           availability: {probe: 'probe_success{instance="https://example.com/login"}', by: [instance], window: 1m}
#         rollback: {below: 50%, clear: 75%}
#         shadow: true
"""
