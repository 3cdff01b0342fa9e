"""A whole rules folder: file names and their texts, without writing one."""

import json
from dataclasses import dataclass

from monitor.core.words import plain
from monitor.scaffold.found import Found, Version
from monitor.scaffold.proceduretext import procedure
from monitor.scaffold.ruletext import error_rules, latency_rules, listed, probe_rules, quoted

LONGEST = 200
"""Characters of a name of a service."""


@dataclass(frozen=True, slots=True)
class Options:
    """What only people know: the environment's name, the channel, who is called."""

    environment: str = "production"
    channel: str = ""
    responders: tuple[str, ...] = ()


def files_of(found: Found, options: Options) -> dict[str, str]:
    """Give every file of the folder by its name."""
    return {
        "errors.yaml": error_rules(found),
        "latency.yaml": latency_rules(found),
        "availability.yaml": probe_rules(found),
        "routing.yaml": _routing(options),
        "releases.yaml": _releases(found),
        "procedures/rollback.yaml": procedure(found.services),
    }


def _routing(options: Options) -> str:
    return f"""\
# Where pages go, and who may act on them. Ids, not names: names change. A channel's id (C...) stands at the end of its
# details in Slack, a user's (U...) in the ⋯ of the profile, a user group's (S...) in the ⋯ of the group.
version: 1

environment: {_text(options.environment)}        # stands in every page; one monitor watches one environment

# Everybody in the channel may acknowledge. Everything else asks for a right, and an empty list means NOBODY.
# Where channel or responders are empty, MONITOR_SLACK__CHANNEL and MONITOR_SLACK__RESPONDERS are used.
default:
  channel: {_text(options.channel)}
  responders: [{", ".join(map(_text, options.responders))}]     # called by a rollback page; may start the procedure
  commanders: []      # may take command of an incident
  approvers: []       # agree to what cannot be undone

# When the channel is told each day what rules in the shadow would have paged; a quiet day is not told.
shadow_report: {{at: "09:00", zone: UTC}}
"""


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())  # what JSON writes, YAML reads


# --- releases ---------------------------------------------------------------------------------------------------------


_RELEASES = """\
# Where the running version of each service is seen, so that a page can say what changed before a breach, and what to go
# back to. Beside `version` a service may have `by` (the label of who deployed), `image`, `replicas`, `migrations` and
# `flags`: docs/rules.md.
version: 1

"""
_NO_VERSIONS = """\
# No metric tells versions. Export one, such as my_build_info{job="auth",version="2.13.4"} 1; on Kubernetes
# kube_pod_container_info{container="auth"} with `label: image` tells the same. Then, under services:
#   auth: {version: 'my_build_info{job="auth"}'}
services: {}
"""


def _releases(found: Found) -> str:
    seen = [one for one in found.versions if _is_name(one.service)]
    known = {one.service for one in seen}
    missing = [name for name in found.services if name not in known]
    notes = (
        f"# Not found: a version metric of {plain(listed(missing))}. Write it here when there is one.\n"
        if missing
        else ""
    )
    services = "services:\n" + "".join(map(_release, seen)) if known else _NO_VERSIONS
    return _RELEASES + notes + services


def _is_name(service: str) -> bool:
    return service.isprintable() and bool(service.strip()) and len(service) <= LONGEST


def _release(one: Version) -> str:
    label = "" if one.label == "version" else f"    label: {one.label}\n"
    runs = f"        # runs {plain(listed(one.running))}"
    return f"  {_text(one.service)}:{runs}\n    version: {quoted(one.selector)}\n{label}"
