"""Settings: where they may stand, which source wins, and the one sentence for whatever is wrong. No secret is told."""

from pathlib import Path

import pytest

from monitor.settings.environment import command_environment
from monitor.settings.gathering import Gathered
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings

CANARY = "canary-7f3a"
BOT = "MONITOR_SLACK__BOT_TOKEN"


def refused(
    environ: dict[str, str], *, env_file: Path | None = None, secrets_dir: Path | None = None
) -> tuple[str, ...]:
    """The sentences for settings that cannot be used."""
    with pytest.raises(SettingsError) as raised:
        load(environ, env_file=env_file, secrets_dir=secrets_dir)
    return raised.value.sentences


def bot_token(given: tuple[Settings, Gathered]) -> tuple[str, str]:
    """The bot token of what was loaded, and where it came from."""
    settings, gathered = given
    assert settings.slack.bot_token is not None
    return settings.slack.bot_token.get_secret_value(), gathered.sources[BOT]


# --- what is wrong --------------------------------------------------------------------------------------------------

URL, HEADERS, LISTEN = "MONITOR_PROMETHEUS__URL", "MONITOR_PROMETHEUS__HEADERS", "MONITOR_LISTEN"
NO_URL = "is no URL; write it with its scheme, such as http://prometheus:9090."
NO_ADDRESS = "is no address; write host:port, such as 127.0.0.1:9911."
NO_OBJECT = 'is no JSON object of texts, such as {"X-Scope-OrgID": "production"}.'
NOBODY = "is no setting; the README has a table of them all."

MEANT_URL = "(environment) is no setting; did you mean MONITOR_PROMETHEUS__URL?"
EMPTY = "is empty; put the secret there, or leave the setting out."
NOWHERE = "names /nowhere/token, which cannot be read (No such file or directory)."

WRONG = [
    ("a misspelt section", "MONITOR_PROMETEUS__URL", MEANT_URL),
    ("a misspelt name in a section", "MONITOR_SLACK__BOT_TOKN", f"(environment) is no setting; did you mean {BOT}?"),
    ("a section alone", "MONITOR_PROMETHEUS", MEANT_URL),
    ("small letters", "MONITOR_rules", "(environment) is no setting; did you mean MONITOR_RULES?"),
    ("a twin of what is no secret", "MONITOR_RULES_FILE", "(environment) is no setting; did you mean MONITOR_RULES?"),
    ("like nothing that there is", "MONITOR_SOMETHING_ELSE_ENTIRELY", f"(environment) {NOBODY}"),
    ("a URL without its scheme", f"{URL}=localhost:9090", NO_URL),
    ("a URL of something else", f"{URL}=ftp://prometheus", NO_URL),
    (
        "a URL with a password",
        f"{URL}=http://ana:{CANARY}@prometheus",
        "holds a user or password; give those in settings of their own.",
    ),
    ("a URL with half a password", f"{URL}=http://ana:{CANARY}/x@prometheus", NO_URL),
    (
        "a URL with a query",
        f"{URL}=http://prometheus?token={CANARY}",
        "holds a query (? or #); write the address alone.",
    ),
    ("Slack's URL", f"MONITOR_SLACK__API_URL={CANARY}", NO_URL),
    (
        "no number",
        f"MONITOR_PROMETHEUS__TIMEOUT={CANARY}",
        "should be a valid number, unable to parse string as a number.",
    ),
    ("too long a time", "MONITOR_PROMETHEUS__TIMEOUT=600", "should be less than or equal to 60."),
    ("no time at all", "MONITOR_PROMETHEUS__TIMEOUT=0", "should be greater than 0."),
    ("headers that are no JSON", f'{HEADERS}={{"Authorization": "{CANARY}"', NO_OBJECT),
    ("headers that are a list", f'{HEADERS}=["{CANARY}"]', NO_OBJECT),
    (
        "a certificate that is not there",
        "MONITOR_PROMETHEUS__CA_FILE=/nowhere/ca.pem",
        "names a file that does not exist.",
    ),
    ("a port alone", f"{LISTEN}=9911", NO_ADDRESS),
    ("a port too large", f"{LISTEN}=localhost:65536", NO_ADDRESS),
    ("a port that only looks like a number", f"{LISTEN}=localhost:²", NO_ADDRESS),
    ("an unknown format", "MONITOR_LOG_FORMAT=xml", "should be 'console' or 'json'."),
    ("an unknown level", "MONITOR_LOG_LEVEL=loud", "should be 'debug', 'info', 'warning' or 'error'."),
    ("neither yes nor no", "MONITOR_ALLOW_COMMAND_CHECKS=perhaps", "is neither true nor false."),
    ("an empty secret", f"{BOT}=", f"(environment) {EMPTY}"),
    ("a blank secret", "MONITOR_CONSOLE_TOKEN=  ", f"(environment) {EMPTY}"),
    ("a secret's file that is not there", f"{BOT}_FILE=/nowhere/token", NOWHERE),
]


@pytest.mark.parametrize(("given", "sentence"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_one_sentence_with_its_name_and_not_its_value(given: str, sentence: str) -> None:
    name, _, value = given.partition("=")
    assert refused({name: value}) == (f"{name} {sentence}",)
    assert CANARY not in sentence


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = refused({"MONITOR_RULE": "x", URL: "x", LISTEN: "x", f"{BOT}_FILE": "/nowhere/token"})
    assert [sentence.split()[0] for sentence in told] == [f"{BOT}_FILE", "MONITOR_RULE", URL, LISTEN]


INJECTED = [
    "MONITOR_SERVICE_HOST",
    "MONITOR_SERVICE_PORT",
    "MONITOR_SERVICE_PORT_HTTP",
    "MONITOR_PORT",
    "MONITOR_PORT_9911_TCP",
    "MONITOR_PORT_9911_TCP_ADDR",
    "MONITOR_SHOP_SERVICE_HOST",
    "MONITOR_SHOP_PORT_443_TCP_PROTO",
]


@pytest.mark.parametrize("name", INJECTED)
def test_what_kubernetes_injects_for_services_is_passed_over(name: str) -> None:
    _, gathered = load({name: "tcp://10.0.0.1:9911"})
    assert name not in gathered.values


def test_what_is_not_ours_is_passed_over() -> None:
    settings, gathered = load({"HOME": "/root", "ROLLBACK_MONITOR_RULES": "x", "SLACK_CHANNEL": "C1"})
    assert (settings, gathered.values) == (load({})[0], {})


# --- where settings stand -------------------------------------------------------------------------------------------


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_the_stronger_source_wins(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    written(secrets, BOT, "of-the-directory\n")
    twin = written(tmp_path, "token", "of-the-twin\n")
    env_file = written(tmp_path, "env", f"{BOT}=of-the-env-file\n")
    environ = {f"{BOT}_FILE": str(twin), BOT: "of-the-environment"}
    strongest = load(environ, options={BOT: "of-the-command-line"}, env_file=env_file, secrets_dir=secrets)
    assert bot_token(strongest) == ("of-the-command-line", "command line")
    assert bot_token(load(environ, env_file=env_file, secrets_dir=secrets)) == ("of-the-environment", "environment")
    del environ[BOT]
    assert bot_token(load(environ, env_file=env_file, secrets_dir=secrets)) == ("of-the-twin", str(twin))
    assert bot_token(load({}, env_file=env_file, secrets_dir=secrets)) == ("of-the-directory", str(secrets / BOT))
    assert bot_token(load({}, env_file=env_file)) == ("of-the-env-file", str(env_file))


def test_systemd_names_the_secrets_directory(tmp_path: Path) -> None:
    written(tmp_path, BOT, "xoxb-1")
    assert bot_token(load({"CREDENTIALS_DIRECTORY": str(tmp_path)})) == ("xoxb-1", str(tmp_path / BOT))


def test_the_names_of_slacks_own_tools_are_taken(tmp_path: Path) -> None:
    assert bot_token(load({"SLACK_BOT_TOKEN": "xoxb-theirs"}))[0] == "xoxb-theirs"
    assert bot_token(load({"SLACK_BOT_TOKEN": "xoxb-theirs", BOT: "xoxb-ours"}))[0] == "xoxb-ours"
    env_file = written(tmp_path, "env", "SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\nHOME=/root\nLANG\n")
    settings, gathered = load({}, env_file=env_file)
    assert settings.secrets == ("xoxb-1", "xapp-1")
    assert set(gathered.sources.values()) == {str(env_file)}


def test_an_env_file_may_name_a_secrets_file(tmp_path: Path) -> None:
    token = written(tmp_path, "token", "xoxb-1\n")
    env_file = written(tmp_path, "env", f"# Slack\nexport {BOT}_FILE='{token}'\n\n")
    assert bot_token(load({}, env_file=env_file)) == ("xoxb-1", str(token))


def test_lists_have_commas() -> None:
    settings, _ = load({"MONITOR_SLACK__RESPONDERS": "S0ONCALL, U0ANA,"})
    assert settings.slack.responders == ("S0ONCALL", "U0ANA")


FILES = [
    ("a word without a value", b"MONITOR_RULES\n", "{file}:1 is no setting; write NAME=value."),
    ("a colon for the equals sign", b"# all\nMONITOR_RULES: x\n", "{file}:2 is no setting; write NAME=value."),
    ("a quote that never ends", b"MONITOR_RULES='x\n", "{file}:1 is no setting; write NAME=value."),
    ("no UTF-8", b"MONITOR_RULES=\xff\n", "--env-file names {file}, which cannot be read (not UTF-8)."),
    ("an empty secret", b"MONITOR_CONSOLE_TOKEN=\n", f"MONITOR_CONSOLE_TOKEN ({{file}}) {EMPTY}"),
    ("a misspelt name", b"MONITOR_RULE=x\n", "MONITOR_RULE ({file}) is no setting; did you mean MONITOR_RULES?"),
    (
        "a twin whose file is not there",
        b"MONITOR_CONSOLE_TOKEN_FILE=/nowhere/token\n",
        f"{{file}}: MONITOR_CONSOLE_TOKEN_FILE {NOWHERE}",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_an_env_file_is_refused_where_a_line_would_not_count(tmp_path: Path, text: bytes, sentence: str) -> None:
    env_file = tmp_path / "env"
    env_file.write_bytes(text)
    assert refused({}, env_file=env_file) == (sentence.format(file=env_file),)


def test_files_and_folders_that_are_not_there(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert refused({}, env_file=nowhere) == (f"--env-file names {nowhere}, which does not exist.",)
    assert refused({}, secrets_dir=nowhere) == (f"The secrets directory {nowhere} does not exist.",)


def test_a_secrets_directory_is_held_to_the_names_of_settings(tmp_path: Path) -> None:
    written(tmp_path, "MONITOR_SLACK__BOT_TOKN", CANARY)
    written(tmp_path, "MONITOR_SLACK__APP_TOKEN", " \n")
    (tmp_path / "MONITOR_CONSOLE_TOKEN").mkdir()
    written(tmp_path, "of-somebody-else", CANARY)
    holds, wrong = f"the secrets directory holds {tmp_path}", tmp_path / "MONITOR_SLACK__BOT_TOKN"
    assert refused({}, secrets_dir=tmp_path) == (
        f"{holds}/MONITOR_CONSOLE_TOKEN, which cannot be read (Is a directory).",
        f"{holds}/MONITOR_SLACK__APP_TOKEN, which is empty; put the secret of MONITOR_SLACK__APP_TOKEN into it.",
        f"MONITOR_SLACK__BOT_TOKN ({wrong}) is no setting; did you mean {BOT}?",
    )


# --- what is kept from logs -----------------------------------------------------------------------------------------

SECRET = [
    "MONITOR_PROMETHEUS__BEARER_TOKEN",
    "MONITOR_PROMETHEUS__PASSWORD",
    "MONITOR_SLACK__BOT_TOKEN",
    "MONITOR_SLACK__APP_TOKEN",
    "MONITOR_CONSOLE_TOKEN",
]


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_kept_from_whatever_shows_the_settings(tmp_path: Path, name: str) -> None:
    settings, gathered = load({f"{name}_FILE": str(written(tmp_path, "secret", CANARY))})
    assert settings.secrets == (CANARY,)
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()} {gathered.sources}"


def test_headers_that_let_somebody_in_are_secrets_and_a_tenants_name_is_none() -> None:
    headers = '{"Authorization": "Basic abc", "X-Api-Key": "def", "X-Scope-OrgID": "production"}'
    assert load({HEADERS: headers})[0].secrets == ("Basic abc", "def")


def test_several_servers_stand_with_commas() -> None:
    settings, _ = load(environ={URL: "http://a:9090, https://b/prometheus/"})
    assert settings.prometheus.url == ("http://a:9090", "https://b/prometheus")


def test_each_of_several_servers_is_looked_at() -> None:
    with pytest.raises(SettingsError) as refused:
        load(environ={URL: "http://a:9090,b:9090"})
    assert refused.value.sentences[0].startswith(f"{URL} ")


def test_other_pagers_are_secrets_in_every_form(tmp_path: Path) -> None:
    """A webhook's address may hold a token; each secret may stand in a file."""
    key = written(tmp_path, "key", f"key-{CANARY}\n")
    environ = {
        "MONITOR_PAGERDUTY__ROUTING_KEY_FILE": str(key),
        "MONITOR_PAGERDUTY__API_URL": "https://events.eu.pagerduty.com/",
        "MONITOR_PAGERDUTY__WEBHOOK_SECRET_FILE": str(written(tmp_path, "hooks", f"hooks-{CANARY}\n")),
        "MONITOR_ALERTMANAGER__URL": "http://alertmanager:9093/",
        "MONITOR_ALERTMANAGER__BEARER_TOKEN": f"bearer-{CANARY}",
        "MONITOR_ALERTMANAGER__PASSWORD_FILE": str(written(tmp_path, "password", f"password-{CANARY}\n")),
        "MONITOR_WEBHOOK__URL": f"https://example.com/{CANARY}?token={CANARY}",
        "MONITOR_WEBHOOK__SECRET": f"secret-{CANARY}",
        "MONITOR_REGISTRY__URL": "https://registry.example.com",
        "MONITOR_REGISTRY__PASSWORD": f"registry-{CANARY}",
    }
    settings, _ = load(environ)
    assert settings.pagerduty.api_url == "https://events.eu.pagerduty.com"
    assert settings.alertmanager.url == "http://alertmanager:9093"
    assert set(settings.secrets) == {
        f"key-{CANARY}",
        f"hooks-{CANARY}",
        f"bearer-{CANARY}",
        f"password-{CANARY}",
        f"https://example.com/{CANARY}?token={CANARY}",
        f"secret-{CANARY}",
        f"registry-{CANARY}",
    }
    assert CANARY not in repr(settings)


def test_a_webhook_that_is_no_address_is_refused_without_being_told() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"MONITOR_WEBHOOK__URL": f"example.com/{CANARY}"})
    (sentence,) = refused.value.sentences
    assert sentence.startswith("MONITOR_WEBHOOK__URL is no URL")
    assert CANARY not in sentence


def test_commands_are_not_run_unless_somebody_says_so() -> None:
    assert load({})[0].allow_command_checks is False
    assert load({"MONITOR_ALLOW_COMMAND_CHECKS": "true"})[0].allow_command_checks is True


def test_a_command_gets_three_variables_and_none_of_ours() -> None:
    ours = {"MONITOR_CONSOLE_TOKEN": CANARY, "SLACK_BOT_TOKEN": CANARY, "GITHUB_TOKEN": CANARY, "LD_PRELOAD": CANARY}
    kept = {"PATH": "/bin", "LANG": "C.UTF-8", "HOME": "/home/monitor"}
    assert command_environment({**ours, **kept}) == kept
    assert set(command_environment(ours)) == {"PATH"}
