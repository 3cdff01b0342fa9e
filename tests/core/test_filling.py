"""Commands with versions filled in; what could mean anything to a shell is refused with a sentence."""

import shlex
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model import utc
from monitor.core.procedures.filling import NAMES, SAFE, Block, blocks
from monitor.core.procedures.procedure import Command
from monitor.core.releases.release import Target, WhyNot

AUTH = Target("auth", "2.14.0", utc(0), "2.13.4", image="r.example.com:5000/shop/auth:2.13.4")
WEB = Target("web", "7.2.0, 7.1.0", utc(0), why_not=WhyNot.MID_DEPLOY, why="a deploy is under way")


def filled(run: str, target: Target = AUTH) -> Block:
    (block,) = blocks((Command(run),), (target.service,), (target,))
    return block


FILLED = [
    ("$SERVICE", "auth"),
    ("${TARGET}", "2.13.4"),
    ("from $CURRENT to $TARGET", "from 2.14.0 to 2.13.4"),
    (
        'kubectl set image "deployment/$SERVICE" "$SERVICE=$IMAGE"',
        'kubectl set image "deployment/auth" "auth=r.example.com:5000/shop/auth:2.13.4"',
    ),
    ("$REGISTRY/$SERVICE:$TARGET", "r.example.com:5000/shop/auth:2.13.4"),
    ("$SERVICES $SERVICE_X $HOME ${HOME} $1", "$SERVICES $SERVICE_X $HOME ${HOME} $1"),
    (r"\$TARGET", r"\$TARGET"),
    ("$SERVICE-$TARGET.log", "auth-2.13.4.log"),
]


@pytest.mark.parametrize(("run", "text"), FILLED, ids=[row[0] for row in FILLED])
def test_a_command_is_filled_in(run: str, text: str) -> None:
    assert filled(run) == Block("auth", text)


HOSTILE = [
    "1;id",
    "$(id)",
    "`id`",
    "1 2",
    "1\n2",
    "--help",
    "-1",
    "1'",
    '1"',
    "1&",
    "1|x",
    "1>x",
    "\u202e1",
    "é",
    "1\\",
    "{1,2}",
    "~root",
    "!1",
    "*",
]


@pytest.mark.parametrize("version", HOSTILE)
def test_what_could_mean_something_to_a_shell_is_refused(version: str) -> None:
    target = Target("auth", "1", utc(0), version, image="r/auth:1")
    block = filled("deploy $SERVICE $TARGET $IMAGE", target)
    assert block.text == "deploy auth $TARGET r/auth:1"
    assert block.problem.startswith("$TARGET is not filled in: `")
    assert block.problem.endswith(" could mean something to a shell.")
    assert "\n" not in block.problem
    assert "\u202e" not in block.problem


UNKNOWN = [
    ("$TARGET", WEB, "No target of web is proposed: a deploy is under way."),
    ("$TARGET $IMAGE", WEB, "No target of web is proposed: a deploy is under way."),
    ("$IMAGE", Target("web", "2", utc(0), "1"), "The image of web is not known."),
    (
        "$REGISTRY",
        Target("web", "2", utc(0), "1", image_why="two were seen"),
        "The image of web is not known: two were seen.",
    ),
]


@pytest.mark.parametrize(("run", "target", "problem"), UNKNOWN)
def test_what_is_not_known_stays_and_is_told(run: str, target: Target, problem: str) -> None:
    assert filled(run, target) == Block("web", run, problem)


def test_a_service_without_a_release_is_told() -> None:
    (block,) = blocks((Command("deploy $SERVICE $TARGET"),), ("web",), (AUTH,))
    assert block == Block(
        "web", "deploy web $TARGET", "No release of web was seen before the breach: nothing is proposed."
    )


def test_a_block_a_service_with_its_own_commands() -> None:
    commands = (Command("set $SERVICE"), Command("flag off", "agents"), Command("wait $SERVICE"), Command("ui", "web"))
    assert blocks(commands, ("auth", "web"), (AUTH,)) == (
        Block("agents", "flag off"),
        Block("web", "set web\nwait web\nui"),
        Block("auth", "set auth\nwait auth"),
    )
    assert blocks((), ("auth",), (AUTH,)) == ()


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20), st.sampled_from(["$TARGET", '"$TARGET"', "x=$TARGET", "${TARGET}"]))
def test_a_shell_reads_what_is_filled_in_as_it_stands(version: str, template: str) -> None:
    block = filled(template, Target("auth", "1", utc(0), version))
    if block.problem:
        assert block.text == template
        assert not SAFE.fullmatch(version)
    else:
        assert shlex.split(block.text, comments=True) == [
            template.strip('"').replace("${TARGET}", "$TARGET").replace("$TARGET", version)
        ]
        assert set(version) <= set(string.ascii_letters + string.digits + "._:/@+-")


def test_every_name_is_known() -> None:
    assert filled(" ".join(f"${name}" for name in NAMES)).problem == ""
