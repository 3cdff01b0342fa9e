"""The texts of the files: whatever names hold, they stay where they were put; limits that buckets can tell."""

from pathlib import Path

import pytest

from monitor.files import load
from monitor.scaffold import Found, Options, files_of
from monitor.scaffold.found import Probes, Requests, Slowness, Version, Watched
from monitor.scaffold.latencies import limit

NASTY = [
    "a\n      - alert: Injected",
    "a'b",
    'a"b',
    "a\\b",
    "{{ $labels.x }}",
    "# comment",
    "a: b",
    "\u2028",
    "\x1b[31m",
    "é",
    "|",
    "(a|b)*",
]


def found(name: str) -> Found:
    odd = Watched("acme_requests_total", "service", (name, "auth"), left_out={name: f"too few {name}"})
    return Found(
        url="http://prometheus:9090",
        requests=(Requests(odd, 'code=~"5.."', (name,)),),
        slowness=(Slowness(odd, usual={name: 0.1}, fixed=0.1),),
        probes=(Probes(Watched("probe_success", "instance", (name,)), (name,)),),
        versions=(Version(name, "acme_build_info", "version", (name,)),),
        passed_over={name: name},
    )


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_a_name_breaks_out_of_nothing(tmp_path: Path, name: str) -> None:
    for file, text in files_of(found(name), Options(environment=name if name.isprintable() else "x")).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    loaded = load(tmp_path)
    assert [str(one) for one in loaded.findings] == []
    assert loaded.rules is not None
    alerts = [rule.alert for group in loaded.rules.groups for rule in group.rules]
    assert sorted(alerts) == ["AcmeFailing", "AcmeSlow", "ProbeFailing"]
    assert [one.name for one in loaded.rules.releases.services] == ([name] if name.isprintable() else [])


def test_what_no_label_tells_apart_is_judged_as_one(tmp_path: Path) -> None:
    whole = Watched("acme_requests_total")
    one = Found(requests=(Requests(whole, 'code=~"5.."'),), slowness=(Slowness(whole, kinds=("trailing",)),))
    for file, text in files_of(one, Options()).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    loaded = load(tmp_path)
    assert [str(one) for one in loaded.findings] == []
    assert loaded.rules is not None
    assert {(rule.signal.by, rule.service) for group in loaded.rules.groups for rule in group.rules} == {((), "all")}


BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, float("inf"))
LIMITS = [
    ("50 % falls into another bucket", 0.2, 0.5),
    ("in one bucket: the end of it is the limit", 0.11, 1.3),
    ("a bucket that is far too wide", 0.051, 1.0),
    ("too near the last bucket", 2.0, "too near the last bucket, 2.5 s"),
    ("buckets that tell nothing", 0.01, "too coarse around its p95 of 0.01 s"),
]


@pytest.mark.parametrize(("base", "expected"), [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS])
def test_the_least_limit_that_buckets_can_tell(base: float, expected: float | str) -> None:
    made = limit(BOUNDS, base)
    assert (expected in made) if isinstance(made, str) and isinstance(expected, str) else made == expected
