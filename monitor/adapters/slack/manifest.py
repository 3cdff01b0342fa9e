"""The manifest of the Slack app, with the least scopes; those in deploy/slack are what it gives by default."""

from monitor.adapters.slack.probe import SCOPES

PURPOSE = {
    "chat:write": "post pages, edit them, answer the person who clicked",
    "files:write": "the plot of what fails, in the thread",
    "usergroups:read": "who is in the responders' and commanders' user groups, and so may act",
    "users:read": "the names of people who clicked",
    "channels:history": "find a page again whose reply was lost, so that it is not posted twice",
    "groups:history": "the same in private channels",
}
"""What each scope is for."""

SOCKET_HEAD = """\
# The Slack app of Rollback Monitor. Create it at https://api.slack.com/apps → "Create New App" → "From a manifest",
# install it to the workspace, and invite it to the channel that pages go to (/invite @rollback-monitor).
# `rollback-monitor slack manifest` prints this file, with --command /rbm for a slash command, or --url for signed HTTP.
#
# Two tokens come out of it:
#   bot token  (xoxb-…, "OAuth & Permissions")                       → MONITOR_SLACK__BOT_TOKEN
#   app token  (xapp-…, "Basic Information" → "App-Level Tokens",
#               with the scope connections:write)                    → MONITOR_SLACK__APP_TOKEN
# `rollback-monitor doctor` checks both, the scopes, the channel and the user groups.
"""
HTTP_HEAD = """\
# The Slack app of Rollback Monitor without Socket Mode: Slack posts clicks to an address of yours, signed.
# Prefer manifest.yaml: with it nothing of yours needs to be reachable from outside. With this one, let your proxy pass
# POST /slack/interactions and POST /slack/commands to the monitor, and nothing else.
#
# `rollback-monitor slack manifest --url https://…` prints it with your address in it. Create the app at
# https://api.slack.com/apps → "Create New App" → "From a manifest", install it to the workspace, and invite it to the
# channel of the pages.
#
# Two secrets come out of it:
#   bot token       (xoxb-…, "OAuth & Permissions")                      → MONITOR_SLACK__BOT_TOKEN
#   signing secret  ("Basic Information" → "App Credentials")            → MONITOR_SLACK__SIGNING_SECRET
"""
EXAMPLE = "https://monitor.example.com"


def manifest(url: str = "", name: str = "", command: str = "") -> str:
    """Give the manifest: for Socket Mode, or for signed HTTP at `url`; `command` is the name of the slash command."""
    lines = [HTTP_HEAD if url else SOCKET_HEAD, *_display(name or "Rollback Monitor"), *_slash(url, command)]
    lines += ["oauth_config:", "  scopes:", "    bot:"]
    scopes = {scope: PURPOSE[scope] for scope, _ in SCOPES} | ({"commands": "the slash command"} if command else {})
    lines += [f"      - {scope:<17} # {purpose}" for scope, purpose in scopes.items()]
    return "\n".join([lines[0].rstrip("\n"), *lines[1:], *_settings(url)]) + "\n"


def _display(name: str) -> list[str]:
    return [
        "display_information:",
        f"  name: {_quoted(name)}",
        "  description: Says when to prepare a rollback or to roll back, and leads through it",
        '  background_color: "#7a1f1f"',
        "features:",
        "  bot_user:",
        f"    display_name: {_quoted(name.lower().replace(' ', '-'))}",
        "    always_online: true",
    ]


def _slash(url: str, command: str) -> list[str]:
    if not command:
        return []
    address = [f"      url: {url}/slack/commands"] if url else []
    return [
        "  slash_commands:         # any name will do; answers go by the name that was typed",
        f"    - command: {_quoted(command)}",
        *address,
        "      description: What is open, and acknowledging it",
        "      usage_hint: status | ack | drill | help",
        "      should_escape: true      # so that people who are named come as ids",
    ]


def _settings(url: str) -> list[str]:
    address = [f"    request_url: {url}/slack/interactions"] if url else []
    return [
        "settings:",
        "  interactivity:",
        "    is_enabled: true      # the buttons and forms"
        + ("" if url else "; over Socket Mode, so without an address"),
        *address,
        f"  socket_mode_enabled: {'false' if url else 'true'}",
        "  org_deploy_enabled: false",
        "  token_rotation_enabled: false",
    ]


def _quoted(word: str) -> str:
    """Give a word as YAML takes it, whatever is in it."""
    plain = word.replace(" ", "").replace("-", "").replace("/", "").isalnum()
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return word if plain else f'"{escaped}"'
