"""The rules folder that drills are held with: one rule, quick clocks, a drill on staging and one of a page."""

from pathlib import Path
from textwrap import indent

from tests.e2e.drillshops import GOOD, Target
from tests.e2e.running import rules_with

RULES = """
groups:
  - name: logins
    interval: 1s
    query_offset: 1s
    rules:
      - alert: LoginFailing
        service: auth
        suspects: [web]
        signal:
          error_ratio:
            requests: 'LOGINS'
            failures: 'code=~"5.."'
            window: 4s
        guards: {min_requests: 10, min_failures: 5}
        rollback: {above: 20%, for: 2s}
        annotations: {summary: "login: {{ $value | humanizePercentage }} of logins fail"}
"""

ROUTING = """
environment: production
default: {responders: [S0ONCALL], commanders: [S0IC], approvers: [U0CLEO]}
page: {rollback: [slack, webhook], blind: [slack, webhook], prepare: [slack, webhook]}
drills: {channel: C0DRILL, responders: [U0ANA, U0BOB]}
"""

RELEASES = 'registry: {url: "http://REGISTRY"}\nlookback: 2h\nproven: 10m\nservices:\n'

PROCEDURE = """
version: 1
title: Roll back to the last good release
verify_for: 3s
steps:
  - {id: declare, title: Declare incident mode, does: freeze}
  - {id: target, title: Pin the rollback target, does: pin}
  - {id: flags, title: Feature flags first}
  - id: services
    title: Roll back the services
    services:
      - {title: Backend, services: [auth]}
      - {title: Frontend, services: [web]}
    commands:
      - 'kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"'
  - id: verify
    title: Verify
    checks:
      - {title: The signals that paged are clear, signals: true}
      - title: Logins flow
        promql: 'sum(rate(http_requests_total{job="JOB",route="/login",code="200"}[4s]))'
        above: 1
  - {id: close, title: Close, does: end}
"""

STAGING = """
version: 1
title: Logins fail on staging
trigger: login
alert: LoginFailing
kind: staging
environment: staging
hypothesis: Within a minute the version before serves logins again.
recovery_target: 5m
watch:
  error_ratio:
    requests: 'LOGINS'
    failures: 'code=~"5.."'
    window: 4s
releases:
RELEASESinject: break the logins of staging
mend: deploy the version before to staging
abort_if: [a real page comes]
"""

PAGER = """
version: 1
title: Rehearsal of a page
trigger: login
alert: LoginFailing
kind: pager
hypothesis: A page reaches people, and they take it.
play:
  healthy: {value: 0%, requests: 20}
  broken: {value: 90%, requests: 20}
  clears: acknowledged
"""


def written(folder: Path, shop: Target, staging: Target, registry: str) -> Path:
    """Write it for two shops; give the folder."""
    rules = rules_with(folder, RULES.replace("LOGINS", _logins(shop)))
    (rules / "routing.yaml").write_text(ROUTING)
    (rules / "releases.yaml").write_text("version: 1\n" + _releases(shop, registry))
    (rules / "procedures" / "rollback.yaml").write_text(PROCEDURE.replace("JOB", staging.logins))
    (rules / "drills").mkdir()
    drill = STAGING.replace("LOGINS", _logins(staging)).replace("RELEASES", indent(_releases(staging, registry), "  "))
    (rules / "drills" / "staging-login.yaml").write_text(drill)
    (rules / "drills" / "page.yaml").write_text(PAGER)
    return rules


def _logins(target: Target) -> str:
    return f'http_requests_total{{job="{target.logins}",route="/login"}}'


def _releases(target: Target, registry: str) -> str:
    rows = (f"  {one}: {{version: '{target.version(one)}', image: 'REGISTRY/{one}:{{version}}'}}\n" for one in GOOD)
    return (RELEASES + "".join(rows)).replace("REGISTRY", registry)
