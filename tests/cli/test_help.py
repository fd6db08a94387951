"""The help of the program and of every command, as it is read on a terminal of 80 columns."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from wann.analysis import prune, sensitivity
from wann.cli.commands import COMMANDS, GROUPS
from wann.cli.main import commands
from wann.settings import PAPER_WEIGHTS
from wann.tuning.plan import TuningPlan

NAMES = [command.name for command in COMMANDS]
OPTIONS = [
    pytest.param(command, option, id=f"{command.name} {option.opts[-1]}")
    for command in COMMANDS
    for option in command.params
    if isinstance(option, click.Option)
]


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(commands, [*arguments, "--help"], prog_name="wann", terminal_width=80)
    assert result.exit_code == 0
    return result.output


def assert_whole(text: str) -> None:
    """Nothing of a help text is too wide, cut off or broken within a word."""
    for line in text.splitlines():
        assert len(line) <= 80, line
        assert not line.endswith("-"), f"a word is cut in two: {line}"
        assert line.startswith("Usage:") or "..." not in line, line


def test_every_command_is_in_exactly_one_group():
    assert sorted(NAMES) == sorted(commands.commands)
    assert len(set(NAMES)) == len(NAMES)


def test_the_program_s_help_shows_the_groups_in_order_and_each_summary_in_a_line():
    text = help_of()
    assert_whole(text)
    lines = text.splitlines()
    headings = [line[:-1] for line in lines if re.fullmatch(r"[A-Z].*:", line)]
    assert headings == ["Options", *GROUPS]
    for heading, members in GROUPS.items():
        first = lines.index(f"{heading}:") + 1
        for line, command in zip(lines[first : first + len(members)], members, strict=True):
            assert re.fullmatch(rf"  {command.name} +[A-Z].*\.", line), line


@pytest.mark.parametrize("name", NAMES)
def test_a_command_s_help_fits_and_ends_with_examples_that_the_command_takes(name):
    text = help_of(name)
    assert_whole(text)
    heading, *lines = text[text.rindex("\n\n") :].strip().splitlines()
    assert heading == ("Examples:" if len(lines) > 1 else "Example:")
    for line in lines:
        program, command, *arguments = shlex.split(line)
        assert (program, command) == ("wann", name)
        commands.commands[name].make_context(name, arguments)  # raises where it cannot be parsed


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_an_option_s_help_begins_with_what_it_is(command, option):
    words = option.help or ""
    assert re.match(r"[A-Z][\w-]+", words), words
    assert words.split()[0] not in ("Of", "That", "So", "Other", "For", "With", "Where", "What"), words
    assert words.endswith("."), words


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_an_option_that_takes_a_number_shows_its_default(command, option):
    number = click.types.IntRange | click.types.FloatRange | click.types.FloatParamType
    assert option.show_default or not isinstance(option.type, number)


@pytest.mark.parametrize("name", ["tune", "race"])
def test_the_defaults_of_a_plan_are_those_that_the_help_tells(name):
    plan = TuningPlan()
    for option in commands.commands[name].params:
        if option.name in ("budget", "population", "episodes", "sigma", "seed"):
            assert option.show_default == str(getattr(plan, option.name)), option.name


def test_other_defaults_that_the_library_has_are_those_that_the_help_tells():
    told = {
        (command, option.name): option.show_default
        for command in ("evaluate", "sensitivity", "prune")
        for option in commands.commands[command].params
        if isinstance(option, click.Option)
    }
    assert told["evaluate", "weights"] == ",".join(f"{weight:g}" for weight in PAPER_WEIGHTS)
    for command, option, numbers in (
        ("sensitivity", "episodes", (sensitivity.EPISODES, sensitivity.STEPPED_EPISODES)),
        ("prune", "episodes", (prune.EPISODES, prune.STEPPED_EPISODES)),
        ("prune", "fresh", (prune.FRESH_EPISODES, prune.STEPPED_FRESH_EPISODES)),
    ):
        assert told[command, option] == "{}, or {} stepped by Python".format(*numbers)
