"""The table of posts as data: what can happen to an incident, what is posted for it, whom that calls. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Happening(StrEnum):
    """What can happen to an incident: the rows of the table of posts, and the reason on every post."""

    PREPARE_OPENS = "prepare_opens"
    ROLLBACK_OPENS = "rollback_opens"
    BLIND_OPENS = "blind_opens"
    RAISED = "raised"
    ROLLBACK_JOINS = "rollback_joins"
    SERVICE_JOINS = "service_joins"
    PREPARE_JOINS = "prepare_joins"
    CARRIED = "carried"
    BLIND_JOINS = "blind_joins"
    BLIND_BANNER = "blind_banner"
    BACK = "back"
    ONE_RESOLVES = "one_resolves"
    RECOVERED = "recovered"
    SIGHTED = "sighted"
    ENDED_BY_ITSELF = "ended_by_itself"
    ACKNOWLEDGED = "acknowledged"
    REMINDED = "reminded"
    CALLED_AGAIN = "called_again"
    ESCALATED = "escalated"
    ASKED = "asked"
    STILL_ON_IT = "still_on_it"
    UNACKNOWLEDGED = "unacknowledged"
    HIDDEN_TOLD = "hidden_told"
    DEALT_WITH = "dealt_with"
    STARTED = "started"
    CHANGES_FOUND = "changes_found"
    BREAKDOWN_FOUND = "breakdown_found"
    MOVED = "moved"
    TARGETS_PINNED = "targets_pinned"
    ASKS_APPROVER = "asks_approver"
    STILL_BREACHING = "still_breaching"
    COMMAND_ASKED = "command_asked"
    COMMAND_TAKEN = "command_taken"
    DEPLOY_ALLOWED = "deploy_allowed"
    DEPLOY_REFUSED = "deploy_refused"
    ABORTED = "aborted"
    FIXING_ANOTHER_WAY = "fixing_another_way"
    FALSE_ALARM = "false_alarm"
    SUMMONED = "summoned"
    NOTED = "noted"
    WATCHING_BY_HAND = "watching_by_hand"
    FORCE_ASKED = "force_asked"
    ENDED = "ended"
    REOPENED = "reopened"
    EXPLAINED = "explained"
    RECORD_ASKED = "record_asked"
    RECORD_COMPLETED = "record_completed"
    REFRESHED = "refreshed"


class Notice(StrEnum):
    """What is told to the default channel without an incident."""

    RULES_REFUSED = "rules_refused"
    RULES_GOOD_AGAIN = "rules_good_again"
    STORAGE_TROUBLE = "storage_trouble"
    STORAGE_GOOD_AGAIN = "storage_good_again"
    STORAGE_SET_ASIDE = "storage_set_aside"
    DRILL_STARTED = "drill_started"
    DRILL_OVER = "drill_over"
    DRILL_SIGNED = "drill_signed"
    DRILL_DUE = "drill_due"
    DRILL_OVERDUE = "drill_overdue"
    SHADOW_REPORT = "shadow_report"


class NewPost(StrEnum):
    """What is posted. Whatever it is, the root message is edited to show the present."""

    ROOT = "root"
    BROADCAST = "broadcast"
    LINE = "line"
    CARD = "card"
    ESCALATION = "escalation"
    EDIT = "edit"
    PLOT = "plot"
    REPORT = "report"


class Mention(StrEnum):
    """Whom a new post calls."""

    NOBODY = "nobody"
    RESPONDERS = "responders"
    OWNER = "owner"
    COMMANDERS_TOO = "commanders_too"
    BY_TIER = "by_tier"
    APPROVERS = "approvers"
    SUMMONED = "summoned"


class Acknowledgement(StrEnum):
    """What becomes of an acknowledgement."""

    KEPT = "kept"
    CLEARED = "cleared"
    KEPT_IF_FRESH = "kept_if_fresh"
    KEPT_FOR_HOURS = "kept_for_hours"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of posts.

    `plot`: a plot of the signal follows in the thread; `report`: the evidence of the incident does, as files.
    """

    post: NewPost
    mention: Mention = Mention.NOBODY
    acknowledgement: Acknowledgement = Acknowledgement.KEPT
    plot: bool = False
    report: bool = False


POSTS: Mapping[Happening, Row] = {
    Happening.PREPARE_OPENS: Row(NewPost.ROOT, plot=True),
    Happening.ROLLBACK_OPENS: Row(NewPost.ROOT, Mention.RESPONDERS, plot=True),
    Happening.BLIND_OPENS: Row(NewPost.ROOT, Mention.RESPONDERS),
    Happening.RAISED: Row(NewPost.BROADCAST, Mention.RESPONDERS, Acknowledgement.CLEARED, plot=True),
    Happening.ROLLBACK_JOINS: Row(NewPost.BROADCAST, Mention.OWNER),
    Happening.SERVICE_JOINS: Row(NewPost.BROADCAST, Mention.NOBODY, Acknowledgement.KEPT_FOR_HOURS),
    Happening.PREPARE_JOINS: Row(NewPost.LINE),
    Happening.CARRIED: Row(NewPost.EDIT),
    Happening.BLIND_JOINS: Row(NewPost.LINE),
    Happening.BLIND_BANNER: Row(NewPost.EDIT),
    Happening.BACK: Row(NewPost.BROADCAST, Mention.BY_TIER, Acknowledgement.KEPT_IF_FRESH),
    Happening.ONE_RESOLVES: Row(NewPost.EDIT),
    Happening.RECOVERED: Row(NewPost.BROADCAST),
    Happening.SIGHTED: Row(NewPost.BROADCAST),
    Happening.ENDED_BY_ITSELF: Row(NewPost.LINE),
    Happening.ACKNOWLEDGED: Row(NewPost.EDIT),
    Happening.REMINDED: Row(NewPost.LINE, Mention.RESPONDERS),
    Happening.CALLED_AGAIN: Row(NewPost.BROADCAST, Mention.RESPONDERS),
    Happening.ESCALATED: Row(NewPost.ESCALATION, Mention.COMMANDERS_TOO),
    Happening.ASKED: Row(NewPost.LINE, Mention.OWNER),
    Happening.STILL_ON_IT: Row(NewPost.EDIT),
    Happening.UNACKNOWLEDGED: Row(NewPost.BROADCAST, Mention.RESPONDERS, Acknowledgement.CLEARED),
    Happening.HIDDEN_TOLD: Row(NewPost.LINE),
    Happening.DEALT_WITH: Row(NewPost.EDIT),
    Happening.STARTED: Row(NewPost.CARD),
    Happening.CHANGES_FOUND: Row(NewPost.EDIT),
    Happening.BREAKDOWN_FOUND: Row(NewPost.EDIT),
    Happening.MOVED: Row(NewPost.EDIT),
    Happening.TARGETS_PINNED: Row(NewPost.LINE),
    Happening.ASKS_APPROVER: Row(NewPost.LINE, Mention.APPROVERS),
    Happening.STILL_BREACHING: Row(NewPost.BROADCAST, Mention.OWNER),
    Happening.COMMAND_ASKED: Row(NewPost.LINE, Mention.OWNER),
    Happening.COMMAND_TAKEN: Row(NewPost.LINE, Mention.OWNER),
    Happening.DEPLOY_ALLOWED: Row(NewPost.LINE),
    Happening.DEPLOY_REFUSED: Row(NewPost.LINE),
    Happening.ABORTED: Row(NewPost.BROADCAST, Mention.RESPONDERS),
    Happening.FIXING_ANOTHER_WAY: Row(NewPost.LINE),
    Happening.FALSE_ALARM: Row(NewPost.LINE),
    Happening.SUMMONED: Row(NewPost.LINE, Mention.SUMMONED),
    Happening.NOTED: Row(NewPost.EDIT),
    Happening.WATCHING_BY_HAND: Row(NewPost.LINE),
    Happening.FORCE_ASKED: Row(NewPost.BROADCAST, Mention.COMMANDERS_TOO),
    Happening.ENDED: Row(NewPost.BROADCAST),
    Happening.REOPENED: Row(NewPost.BROADCAST, Mention.RESPONDERS),
    Happening.EXPLAINED: Row(NewPost.EDIT),
    Happening.RECORD_ASKED: Row(NewPost.LINE, Mention.OWNER),
    Happening.RECORD_COMPLETED: Row(NewPost.LINE, report=True),
    Happening.REFRESHED: Row(NewPost.EDIT),
}
"""The table of posts: what happens (row) -> what is posted, whom it mentions, what becomes of the acknowledgement."""
