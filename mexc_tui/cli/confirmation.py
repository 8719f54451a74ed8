"""Asks a person before money moves. Whoever is no terminal has to say so beforehand, with --yes."""

import sys

import click

from mexc_tui.cli.command_runner import NOT_DONE, WRONG, CommandRunner, as_chosen, fail


def yes_flag(command: click.decorators.FC) -> click.decorators.FC:
    """Add the flag that answers the question beforehand."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


NOBODY = "This moves money, and nobody is at a terminal to be asked: add --yes if you mean it."


def agree(asker: CommandRunner, plan: str, nobody: str = NOBODY) -> None:
    """Say what is about to be done, in numbers, and go on only if a person says yes.

    `nobody`: what is said where nobody can be asked.
    """
    _check_terminal(nobody)
    click.echo("\n".join(_folded(asker, plan)), err=True)
    if not click.confirm("Do it?", default=False, err=True):
        fail("Nothing was done.", NOT_DONE)


def agree_by_word(asker: CommandRunner, plan: str, word: str, nobody: str) -> None:
    """Say what is about to be done, and go on only if a person types the word."""
    _check_terminal(nobody)
    _typed(asker, plan, word, f"Type the word {word} to go on")


def typed_word(asker: CommandRunner, plan: str, word: str) -> str:
    """Say what is about to be done, and return what a person types where a mere yes is too easy."""
    _check_terminal(f"After what stopped it a yes is not enough: type the word {word} at a terminal.")
    return _typed(
        asker, plan, word, f"After what stopped it a yes is not enough. Type the word {word} to go on"
    )


def _typed(asker: CommandRunner, plan: str, word: str, question: str) -> str:
    click.echo("\n".join(_folded(asker, plan)), err=True)
    typed = str(click.prompt(question, default="", show_default=False, err=True))
    if typed.strip().lower() != word:
        fail("Nothing was done: that was not the word.", NOT_DONE)
    return typed


def typed_phrase(asker: CommandRunner, plan: str, phrase: str) -> str:
    """Say what is about to begin, and return the phrase that was made up for this time, as it was typed."""
    _check_terminal("Going live asks for a phrase, and nobody is at a terminal to type it.")
    click.echo("\n".join(_folded(asker, plan)), err=True)
    click.echo(f"Type this to go on, anything else leaves it:  {phrase}", err=True)
    typed = str(click.prompt(">", default="", show_default=False, prompt_suffix=" ", err=True))
    if typed.split() != phrase.split():
        fail("Nothing was done: that was not the phrase.", NOT_DONE)
    return typed


def _folded(asker: CommandRunner, plan: str) -> list[str]:
    from mexc_tui.cli.tables import fold

    return fold(as_chosen(plan), "    ", asker.pen)


def _check_terminal(words: str) -> None:
    if not sys.stdin.isatty():
        fail(words, WRONG)
