"""Confirmations before money moves; without a terminal, --yes is needed."""

import sys

import click

from mexc_tui.cli.command_runner import NOT_DONE, WRONG_USAGE, CommandRunner, fail, with_chosen_options


def yes_flag(command: click.decorators.FC) -> click.decorators.FC:
    """Add the flag that skips the confirmation."""
    return click.option("--yes", is_flag=True, help="Skip the confirmation.")(command)


NO_TERMINAL = (
    "This command moves money and needs a confirmation, but there is no terminal. Confirm with --yes."
)


def confirm(runner: CommandRunner, plan: str, no_terminal: str = NO_TERMINAL) -> None:
    """Print the plan with its figures, and continue only if the user confirms.

    `no_terminal`: error without a terminal.
    """
    _check_terminal(no_terminal)
    click.echo("\n".join(_folded(runner, plan)), err=True)
    if not click.confirm("Continue?", default=False, err=True):
        fail("Cancelled.", NOT_DONE)


def confirm_by_word(runner: CommandRunner, plan: str, word: str, *, no_terminal: str) -> None:
    """Print the plan, and continue only if the user types the word."""
    _check_terminal(no_terminal)
    _typed(runner, plan, word, question=f"Type {word} to continue")


def typed_word(runner: CommandRunner, plan: str, word: str) -> str:
    """Print the plan, and return the word typed where a yes is not enough."""
    _check_terminal(f"After this halt, --yes is not enough: type {word} at a terminal.")
    return _typed(
        runner, plan, word, question=f"After this halt, a yes is not enough. Type {word} to continue"
    )


def _typed(runner: CommandRunner, plan: str, word: str, *, question: str) -> str:
    click.echo("\n".join(_folded(runner, plan)), err=True)
    typed = str(click.prompt(question, default="", show_default=False, err=True))
    if typed.strip().lower() != word:
        fail("Cancelled: the word does not match.", NOT_DONE)
    return typed


def typed_phrase(runner: CommandRunner, plan: str, phrase: str) -> str:
    """Print the plan, and return the one-time phrase as typed."""
    _check_terminal("Unlocking live trading needs a typed phrase, but there is no terminal.")
    click.echo("\n".join(_folded(runner, plan)), err=True)
    click.echo(f"Type this phrase to continue, anything else cancels:  {phrase}", err=True)
    typed = str(click.prompt(">", default="", show_default=False, prompt_suffix=" ", err=True))
    if typed.split() != phrase.split():
        fail("Cancelled: the phrase does not match.", NOT_DONE)
    return typed


def _folded(runner: CommandRunner, plan: str) -> list[str]:
    from mexc_tui.cli.pages.tables import fold

    return fold(with_chosen_options(plan), "    ", runner.pen)


def _check_terminal(problem: str) -> None:
    if not sys.stdin.isatty():
        fail(problem, WRONG_USAGE)
