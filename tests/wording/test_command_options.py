"""Commands named in texts have the options of the chosen profile, mode and exchange."""

import click
import pytest

from mexc_tui.cli.main import main
from mexc_tui.wording.command_options import ChosenOptions, with_options

MINE = ChosenOptions(profile="mine")
PAPER = ChosenOptions(mode="paper")
ALL = ChosenOptions("mine", "live", "here/exchange.json")


@pytest.mark.parametrize(
    ("text", "chosen", "expected"),
    [
        ("See: mexc-tui positions", ChosenOptions(), "See: mexc-tui positions"),
        ("See: mexc-tui positions", MINE, "See: mexc-tui positions --profile mine"),
        ("See: mexc-tui positions.", PAPER, "See: mexc-tui positions --profile paper."),
        ("See: mexc-tui positions", ALL, "See: mexc-tui positions --profile mine"),
        (
            "Next steps: mexc-tui keys check, then mexc-tui --mode live",
            MINE,
            "Next steps: mexc-tui keys check --profile mine, then mexc-tui --mode live --profile mine",
        ),
        (
            "Start one with: mexc-tui --headless",
            ALL,
            "Start one with: mexc-tui --headless --mode live --exchange here/exchange.json --profile mine",
        ),
        (
            "Start one with: mexc-tui --headless --mode paper",
            PAPER,
            "Start one with: mexc-tui --headless --mode paper",
        ),
        ("or `mexc-tui reconcile`", MINE, "or `mexc-tui reconcile --profile mine`"),
        ("mexc-tui kill --direct", MINE, "mexc-tui kill --direct --profile mine"),
        ("mexc-tui kill --direct --profile x", MINE, "mexc-tui kill --direct --profile x"),
        (
            "see mexc-tui journal --kind reconciled",
            MINE,
            "see mexc-tui journal --kind reconciled --profile mine",
        ),
        ("that `mexc-tui exchange` printed", ALL, "that `mexc-tui exchange` printed"),
        ("mexc-tui --headless runs it", MINE, "mexc-tui --headless --profile mine runs it"),
        ("mexc-tui: not done", MINE, "mexc-tui: not done"),
        ("This is mexc-tui on its exchange", MINE, "This is mexc-tui on its exchange"),
        ("To start one: mexc-tui", MINE, "To start one: mexc-tui --profile mine"),
        (
            "/home/me/.local/state/mexc-tui/mine and mexc-tui-x",
            MINE,
            "/home/me/.local/state/mexc-tui/mine and mexc-tui-x",
        ),
        ("before mexc-tui unlock", MINE, "before mexc-tui unlock --profile mine"),
        (
            "restore them: mexc-tui restore-limits",
            MINE,
            "restore them: mexc-tui restore-limits --profile mine",
        ),
    ],
)
def test_a_command_in_a_text_has_the_options_of_the_profile(
    text: str, chosen: ChosenOptions, expected: str
) -> None:
    assert with_options(text, chosen) == expected


def test_every_command_is_listed_with_or_without_a_profile() -> None:
    context = click.Context(main)
    takes, known = set[str](), set[str]()
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        if any(option.name == "profile" for one in parts for option in one.params):
            takes.add(name)
        if with_options(f"mexc-tui {name}", MINE) == f"mexc-tui {name} --profile mine":
            known.add(name)
    assert known == takes
