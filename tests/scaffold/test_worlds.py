"""`init` against real Prometheus servers whose metric names are none of ours: what it writes passes, and fires."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import utc
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import ErrorRatio, Latency, TimeUnit
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.files import check, load
from monitor.queries.plan import plan
from monitor.scaffold import Found, Looker, Options, files_of
from monitor.scaffold.asking import Asking
from monitor.survey import Means, survey
from tests.scaffold import worlds
from tests.servers.prometheus import History, Prometheus
from tests.time_rules.histories import START
from tests.time_rules.walk import Walk

WORLDS: Mapping[str, Callable[[], Iterator[History]]] = {
    "mesh": worlds.mesh,
    "otel": worlds.otel,
    "spring": worlds.spring,
    "grpc": worlds.grpc,
    "quiet": worlds.quiet,
    "young": worlds.young,
    "own words": worlds.own_words,
    "nothing": worlds.nothing,
}


@dataclass(frozen=True)
class World:
    """One server with what was found in it at `START`, and the folder that was written."""

    name: str
    source: PrometheusSource
    found: Found
    folder: Path

    @property
    def rules(self) -> RuleSet:
        loaded = load(self.folder)
        assert loaded.rules is not None, loaded.findings
        return loaded.rules

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


def looked(source: PrometheusSource) -> Found:
    clock = ManualClock(utc(START))
    found = Looker(
        Asking(source, START, Deadline(clock, clock.monotonic() + 60)), source, Baselines(source), worlds.STEP
    ).look()
    assert isinstance(found, Found), found
    return found


def written(folder: Path, found: Found) -> Path:
    for name, text in files_of(found, Options(channel="C0OPS")).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name: str = request.param
    with Prometheus(history=worlds.history(WORLDS[name]())) as prometheus:
        source = PrometheusSource(prometheus.url)
        found = looked(source)
        yield World(name, source, found, written(tmp_path_factory.mktemp(name), found))
        source.close()


def test_the_folder_passes_strictly(world: World) -> None:
    assert [str(one) for one in check([world.folder]).findings] == []
    assert world.found.problems == ()


def test_every_rule_is_in_the_shadow_and_says_what_to_check(world: World) -> None:
    rules = [rule for group in world.rules.groups for rule in group.rules]
    assert rules
    assert all(rule.shadow for rule in rules)
    for name in ("errors.yaml", "latency.yaml", "availability.yaml"):
        assert world.text(name).count("Check: ") >= world.text(name).count("- alert: ") - world.text(name).count(
            "#       - alert: "
        )


def test_the_data_say_nothing_against_it_that_could_have_been_avoided(world: World) -> None:
    clock = ManualClock(utc(START))
    means = Means(world.source, Baselines(world.source), Deadline(clock, clock.monotonic() + 60))
    surveyed = survey(world.rules, plan(world.rules), means, START)
    assert surveyed.problem == ""
    unavoidable: dict[str, set[str]] = {}
    assert {one.code for one in surveyed.doubts} <= unavoidable.get(world.name, set()), surveyed.doubts


FIRES = {
    "mesh": {
        ("IstioFailing", "rollback"),
        ("IstioSlow", "prepare"),
        ("NginxIngressFailing", "rollback"),
        ("NginxIngressSlow", "prepare"),
        ("ProbeFailing", "prepare"),
    },
    "otel": {("HttpServerFailing", "rollback"), ("HttpServerSlow", "prepare")},
    "spring": {("HttpServerFailing", "rollback"), ("TargetsDown", "prepare")},
    "grpc": {("GrpcServerHandledFailing", "rollback"), ("GrpcServerHandlingSlow", "prepare")},
    "quiet": {("AppHttpFailing", "rollback")},
    "own words": {("ShopOrdersPlacedFailing", "rollback"), ("ShopCheckoutLatencySlow", "prepare")},
    "nothing": set[tuple[str, str]](),
}
FIRES["young"] = FIRES["mesh"]


def test_the_rules_fire_when_there_is_trouble_and_not_before(world: World) -> None:
    walk = Walk(world.source, world.rules, begin=-120)
    walk.to(0, stride=60)
    assert walk.fired() == set()
    walk.to(worlds.TROUBLE, stride=60)
    fired = {(alert, tier) for alert, tier, _ in walk.fired()}
    assert fired - {(alert, "prepare") for alert, tier in fired if tier == "rollback"} == FIRES[world.name]
    assert all(after <= 420 for _, _, after in walk.fired())
    assert walk.told() == [], "the shadow pages nobody"


def test_out_of_the_shadow_they_page(world: World, tmp_path: Path) -> None:
    folder = written(tmp_path, world.found)
    for name in ("errors.yaml", "latency.yaml", "availability.yaml"):
        (folder / name).write_text((folder / name).read_text().replace("shadow: true", "shadow: false"))
    loaded = load(folder)
    assert loaded.rules is not None
    walk = Walk(world.source, loaded.rules, begin=-60).to(worlds.TROUBLE - 60, stride=60)
    assert bool([one for one in walk.told() if one in {"rollback_opens", "prepare_opens", "raised"}]) == bool(
        FIRES[world.name]
    )


# --- what was made of each -------------------------------------------------------------------------------------------


SIGNALS = {
    "mesh": {
        "IstioFailing": (
            'istio_requests_total{reporter="destination"}',
            'response_code=~"5.."',
            "destination_service_name",
        ),
        "NginxIngressFailing": (
            'nginx_ingress_controller_requests{exported_service!~"cron\\\\.d"}',
            'status=~"5.."',
            "exported_service",
        ),
    },
    "otel": {
        "HttpServerFailing": ("http_server_request_duration_seconds_count", 'http_response_status_code=~"5.."', "job"),
    },
    "spring": {"HttpServerFailing": ("http_server_requests_seconds_count", 'status=~"5.."', "application")},
    "grpc": {
        "GrpcServerHandledFailing": (
            "grpc_server_handled_total",
            'grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"',
            "job",
        ),
    },
    "quiet": {"AppHttpFailing": ("app_http_requests_total", 'code=~"5.."', "job")},
    "own words": {"ShopOrdersPlacedFailing": ("shop_orders_placed_total", 'result=~"error"', "job")},
    "nothing": {},
}
SIGNALS["young"] = SIGNALS["mesh"]


def test_the_failures_and_the_services_are_theirs(world: World) -> None:
    rules = [rule for group in world.rules.groups for rule in group.rules]
    found = {rule.alert: rule.signal for rule in rules if isinstance(rule.signal, ErrorRatio)}
    assert set(found) == set(SIGNALS[world.name])
    for alert, (requests, failures, label) in SIGNALS[world.name].items():
        assert found[alert].requests == requests
        assert failures in found[alert].failures
        assert found[alert].by == (label,)


BASELINES = {
    "mesh": ("same_time", "trailing"),
    "otel": ("same_time", "trailing"),
    "own words": ("same_time", "trailing"),
    "grpc": (),
    "young": (),
}


def test_latencies_are_held_against_what_history_there_is(world: World) -> None:
    signals = [rule.signal for group in world.rules.groups for rule in group.rules]
    kinds = {one.baseline.kinds for one in signals if isinstance(one, Latency)}
    fixed = [one.baseline.fixed for one in signals if isinstance(one, Latency)]
    assert kinds == ({BASELINES[world.name]} if world.name in BASELINES else set())
    assert all((one is not None) == (world.name in {"grpc", "young"}) for one in fixed)


def test_a_name_that_says_milliseconds_is_read_in_milliseconds(world: World) -> None:
    signals = [rule.signal for group in world.rules.groups for rule in group.rules]
    latencies = [one for one in signals if isinstance(one, Latency)]
    assert all((one.unit is TimeUnit.MILLISECONDS) == ("_milliseconds" in one.histogram) for one in latencies)
    if world.name in {"mesh", "young"}:
        assert TimeUnit.MILLISECONDS in {one.unit for one in latencies}
    fixed = [one.baseline.fixed for one in latencies if one.baseline.fixed is not None]
    assert all(0 < one < 10 for one in fixed), "seconds, whatever the buckets count"


VERSIONS = {
    "mesh": {"cart.shop.svc.cluster.local": "image", "shop-api": "image", "shop-web": "image"},
    "otel": {"shop/catalog": "service_version", "shop/checkout": "service_version"},
    "spring": {"billing": "version", "orders": "version"},
    "grpc": {},
    "quiet": {},
    "own words": {},
    "nothing": {},
}
VERSIONS["young"] = VERSIONS["mesh"]


def test_releases_are_seen_where_a_metric_tells_them(world: World) -> None:
    services = world.rules.releases.services
    assert {one.name: one.version.label for one in services} == VERSIONS[world.name]


MISSING = {
    "mesh": [],
    "otel": ["availability.yaml", "probe_success"],
    "spring": ["latency.yaml", "a histogram of latencies"],
    "grpc": ["releases.yaml", "No metric tells versions"],
    "quiet": ["latency.yaml", "By hand"],
    "own words": [],
    "nothing": ["errors.yaml", "jobs_requests_total: no label of it tells which requests failed"],
    "young": ["latency.yaml", "No history to hold it against yet"],
}


def test_what_was_not_found_is_said_with_how_to_write_it(world: World) -> None:
    if MISSING[world.name]:
        name, words = MISSING[world.name]
        assert words in world.text(name)


def test_what_has_too_little_traffic_is_left_out_by_name(world: World) -> None:
    text = world.text("errors.yaml") + world.text("latency.yaml")
    assert ("Left out: cron.d (" in text) == (world.name in {"mesh", "young"})


def test_the_procedure_names_their_services(world: World) -> None:
    (procedure,) = world.rules.procedures.values()
    waves = [service for step in procedure.steps for wave in step.waves for service in wave.services]
    assert tuple(waves) == world.found.services


def test_little_traffic_is_looked_at_for_longer(world: World) -> None:
    windows = {one.window for one in world.found.requests}
    assert windows == {"quiet": {300}, "nothing": set[int]()}.get(world.name, {120})
