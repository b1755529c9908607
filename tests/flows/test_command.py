"""The command line itself: examples, the nearest name, completion."""

from __future__ import annotations

import re

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from flows.command import main


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_help_of_each_command_ends_with_an_example_that_it_takes(name: str) -> None:
    said = CliRunner().invoke(main, [name, "--help"], prog_name="arrears").stdout
    example = re.search(rf"\n  Example: arrears {name}( .*)?\n$", said)
    assert example, said
    known = {option for parameter in main.commands[name].params for option in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", example[0])) <= known


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name() -> None:
    for asked, said in (
        (["swich"], "There is no command 'swich'. Did you mean `arrears switch`?"),
        (["nonsense"], "There is no command 'nonsense'. `arrears --help` lists them."),
        (["status", "--hom", "x"], "Did you mean '--home'?"),
    ):
        ended = CliRunner().invoke(main, asked, prog_name="arrears")
        assert ended.exit_code == 2
        assert said in ended.stderr


def test_a_shell_completes_commands_and_options() -> None:
    shell = BashComplete(main, {}, "arrears", "_ARREARS_COMPLETE")
    assert [item.value for item in shell.get_completions([], "sw")] == ["switch"]
    assert [item.value for item in shell.get_completions(["switch"], "--b")] == ["--back"]
