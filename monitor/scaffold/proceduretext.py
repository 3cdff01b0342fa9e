"""The seven steps of a rollback for services that nobody here has seen; what is theirs alone is to be filled in."""

import re
from collections.abc import Sequence

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]{0,62}")
MOST = 20
"""Services that a wave names: a step must fit a card."""

_BEFORE = """\
# The rollback procedure, as the card in the incident's thread shows it, step by step.
# Write for somebody who was asleep two minutes ago. Fill in your commands; the monitor shows them and runs none.
version: 1

title: Roll back to the last good release
recovery_target: 15m       # from the first breach to mitigation
verify_for: 10m            # how long the signals that paged must be clear before the incident may end

steps:
  - id: declare
    title: Declare incident mode
    does: freeze             # starting the procedure does it: the deploy gate refuses until the end
    text: You are incident commander from now on, until somebody takes over. One person decides, everybody else helps.
    tasks:
      - Say in the thread that you are incident commander
      - Ask for one helper by name

  - id: target
    title: Pin the rollback target
    does: pin                # the monitor proposes targets; whoever commands pins them
    text: For each service that changed, the last release that ran well. Nothing changed, and a rollback hardly helps.
    tasks:
      - Every target image can be pulled
      - Migrations since the target are listed (they decide step 5)
    commands:
      - 'docker manifest inspect "$IMAGE"'

  # Have you a feature flag that makes the newest code harmless? Then that is step 3, before any rollback.
  - id: flags
    title: Feature flags first
    text: The safest rollback is a switch. Switch off what is new, and look at the page again.
    applies_if: something new is behind a flag

  - id: services
    title: Roll back the services
    text: Backend first; the frontend follows when that is stable. Where a migration ran, answer step 5 before.
"""
_AFTER = """\
    commands:                # what you would type; $SERVICE, $IMAGE, $TARGET and $CURRENT are filled in
      - 'kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"'
      - 'kubectl rollout status "deployment/$SERVICE" --timeout=180s'

  - id: migrations
    title: Decide about migrations
    text: Compatible with the old version, keep the schema; not reversible, fix forward. Nothing destructive at night.
    choose:
      - {id: none, title: No migration since the target}
      - {id: keep-schema, title: "Backward compatible: keep the schema"}
      - {id: revert, title: Must be reverted, needs_approver: true}
      - {id: forward-fix, title: "Not reversible: fix forward", needs_approver: true, forward: true}

  - id: verify
    title: Verify
    text: All of it, not the first that looks good.
    checks:                  # add what a user does: {title: Login works, http: "https://example.com/login"}
      - {title: The signals that paged are clear, signals: true}

  - id: close
    title: Close
    does: end
    text: End the incident when everything stays clear, then write down what you still remember.
    collect:
      - {id: root-cause, title: "Root cause, as far as known"}
      - {id: follow-ups, title: "Corrective actions, each with owner and due date"}
"""


def procedure(services: Sequence[str]) -> str:
    """Give the procedure; its wave names `services`, for people to sort into backend and frontend."""
    named = [one for one in services if _NAME.fullmatch(one)][:MOST]
    listed = ", ".join(f'"{one}"' for one in named)
    wave = "    services:                # waves, one after the other: sort them\n"
    wave += f"      - {{title: All, services: [{listed}]}}\n"
    return _BEFORE + (wave if named else "") + _AFTER
