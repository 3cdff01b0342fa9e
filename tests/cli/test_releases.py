"""`doctor` on releases: which version of each service is seen, and whether the registry answers and has its image."""

import time
from collections.abc import Iterator

import pytest

from monitor.adapters.memory.world import ManualClock, ScriptedRegistry, ScriptedSource
from monitor.bootstrap.sides import registry_of
from monitor.cli.releases import Means, findings
from monitor.core.model import Sample, labels_of, utc
from monitor.core.rules.service import Labelled, Releases, Service
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import Samples, Unanswered
from monitor.ports.world import Missing, Present, Unknown
from monitor.settings.loading import load
from tests.cli.folder import Folder
from tests.servers.prometheus import Prometheus
from tests.servers.registry import PASSWORD, USER, DockerRegistry

RELEASES = """
registry: {{url: '{url}'}}
services:
  auth:
    version: 'build{{job="auth"}}'
    image: '{host}/shop/auth:{{version}}'
    migrations: {{schema: 'schema{{job="auth"}}'}}
  web: {{version: 'build{{job="web"}}', flags: {{metric: flag}}}}
  gone: {{version: 'build{{job="gone"}}'}}
"""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    now = int(time.time())
    lately = [(at, 1.0) for at in range(now - 600, now + 600, 15)]
    history = {
        'build{job="auth",version="2.13.4"}': lately,
        'schema{job="auth",version="41"}': lately,
        'build{job="web",version="7.1.0"}': lately,
        'api_errors{job="auth"}': [(at, 0.0) for at, _ in lately],
    }
    with Prometheus(history=history) as running:
        yield running


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry(private=True) as running:
        yield running


def lines(folder: Folder, prometheus: Prometheus, **settings: str) -> list[str]:
    said = folder.run("doctor", PROMETHEUS__URL=prometheus.url, **settings)
    assert PASSWORD not in said.out + said.err
    return [line for line in said.out.splitlines() if "registry" in line or "releases" in line]


def test_a_line_a_service_and_one_for_the_registry(
    folder: Folder, prometheus: Prometheus, registry: DockerRegistry
) -> None:
    registry.push("shop/auth", "2.13.4")
    folder.write(
        "rules/releases.yaml", RELEASES.format(url="https://registry.example.com", host="registry.example.com")
    )
    access = {"REGISTRY__URL": registry.url, "REGISTRY__USERNAME": USER, "REGISTRY__PASSWORD": PASSWORD}
    told = lines(folder, prometheus, **access)
    gone = [line for line in told if "releases of gone" in line]
    assert len(gone) == 1
    assert "matches no series" in gone[0]
    assert [line for line in told if line not in gone] == [
        "ok    releases of auth: version 2.13.4; migrations 41",
        "note  releases of web: no series tells its flags; compare releases.yaml with what Prometheus has",
        "ok    registry: answers, and has 1 of the 1 images that run",
    ]


def test_credentials_go_to_no_address_of_a_rules_file(
    folder: Folder, prometheus: Prometheus, registry: DockerRegistry
) -> None:
    folder.write("rules/releases.yaml", RELEASES.format(url=registry.url, host=registry.host))
    told = lines(folder, prometheus)
    assert "BAD   registry: it refuses us (HTTP 401): see MONITOR_REGISTRY__USERNAME and __PASSWORD" in told
    said = folder.run("doctor", PROMETHEUS__URL=prometheus.url, REGISTRY__USERNAME=USER, REGISTRY__PASSWORD=PASSWORD)
    assert said.code == 1
    assert "MONITOR_REGISTRY__PASSWORD is set, and MONITOR_REGISTRY__URL, the only address" in said.out
    assert PASSWORD not in said.out


def test_which_registry_is_asked() -> None:
    nowhere, _ = load({})
    assert registry_of(nowhere, Releases()) is None
    assert registry_of(nowhere, Releases(registry="https://registry.example.com")) is not None
    named, _ = load({"MONITOR_REGISTRY__URL": "http://127.0.0.1:1"})
    asked = registry_of(named, Releases(registry="https://registry.example.com"))
    assert asked is not None
    for image in ("registry.example.com/a:1", "127.0.0.1:1/a:1"):
        answer = asked.available(image, deadline=5)
        assert isinstance(answer, Unknown)
        assert "could not be asked" in answer.why, "both names are its own"


SERVICE = Service("auth", Labelled("build", "version"), image="r/auth:{version}")


def told(registry: ScriptedRegistry | None, *, version: str = "1", service: Service = SERVICE) -> list[object]:
    def script(_expr: str, at: int) -> Samples:
        labels = labels_of({"__seen__": "0", "version": version})
        return Samples((Sample(labels, 1.0),) if at and version else ())

    clock = ManualClock(utc(1000))
    means = Means(ScriptedSource(script), registry, Deadline(clock, clock.monotonic() + 5))
    return list(findings(Releases((service,)), means, 990))


SEEN = (True, "releases of auth: version 1", "")
BY_HAND = "name it in rules/releases.yaml, or in MONITOR_REGISTRY__URL; until then images are confirmed by hand"


def test_what_is_said_of_the_registry() -> None:
    answers = (True, "registry: answers, and has 1 of the 1 images that run", "")
    assert told(ScriptedRegistry({"r/auth:1": Present()})) == [SEEN, answers]
    assert told(None) == [SEEN, (None, "registry: none", BY_HAND)]
    assert told(None, service=Service("auth", Labelled("build", "version"))) == [SEEN]
    assert told(ScriptedRegistry(trouble="it is down")) == [SEEN, (False, "registry", "it is down")]
    none = (True, "registry: answers, and has 0 of the 1 images that run", "")
    runs = "registry: r/auth:1 runs, and is not there"
    assert told(ScriptedRegistry({"r/auth:1": Missing()})) == [
        SEEN,
        (False, runs, "is `image` in rules/releases.yaml right?"),
        none,
    ]
    assert told(ScriptedRegistry({"r/auth:1": Unknown("slow")})) == [SEEN, (False, "registry: r/auth:1", "slow"), none]


def test_no_answer_and_no_service() -> None:
    clock = ManualClock(utc(1000))
    deadline = Deadline(clock, clock.monotonic() + 5)
    silent = Means(ScriptedSource(lambda *_: Unanswered("down")), None, deadline)
    mend = "try again when Prometheus has time"
    assert list(findings(Releases((SERVICE,)), silent, 990)) == [(None, "releases were not looked at: down", mend)]
    assert list(findings(Releases(), silent, 990)) == []
