"""The part of the command line that needs no engine to stop: `kill --direct`."""

import asyncio
from pathlib import Path

import click

from mexc_tui.questions.agreeing import agree
from mexc_tui.questions.asker import NO_ENGINE, NOT_DONE, Asker, asking, fail

NO_KEY = (
    "There is no key to cancel with: name the practice exchange with --exchange FILE. Live keys cannot be "
    "stored by this version; cancel on the exchange's own site."
)
PLAN = (
    "KILL --direct: write the halt file of profile {profile}, then cancel every order of this desk on {rest} "
    "until none is seen. Coins are not sold."
)

PAPER_PLAN = (
    "KILL --direct on paper: write the halt file of profile {profile}. Paper orders live in the engine's own "
    "process and end with it; nothing is sent to any exchange. Coins are not sold."
)


def kill_directly(exchange_file: Path | None, profile: str | None, *, yes: bool, as_json: bool) -> None:
    """Stop without an engine; exit code 0 when the halt is kept and no order is seen any more."""
    from mexc_tui.bootstrap import StartError, read_endpoint
    from mexc_tui.exchange.client import OriginRefused
    from mexc_tui.kill import kill_direct
    from mexc_tui.model.mode import Mode
    from mexc_tui.questions.asjson import encode

    with asking(profile, as_json) as asker:
        if asker.reach.engine_settings.mode is Mode.PAPER:
            _kill_on_paper(asker, yes=yes)
            return
        try:
            endpoint = read_endpoint(exchange_file) if exchange_file is not None else None
        except StartError as error:
            fail(str(error), NO_ENGINE)
        if endpoint is None or not endpoint.api_key:
            fail(NO_KEY, NO_ENGINE)
        if not yes:
            agree(asker, PLAN.format(profile=asker.reach.paths.profile, rest=endpoint.rest))
        try:
            killed = asyncio.run(kill_direct(endpoint, asker.reach.paths, asker.reach.who))
        except OriginRefused as error:
            fail(str(error), NO_ENGINE)
        click.echo(encode(killed) if asker.as_json else "\n".join(killed.words))
        if not killed.is_done:
            fail("It is not done: see above.", NOT_DONE)


def _kill_on_paper(asker: Asker, *, yes: bool) -> None:
    from mexc_tui.kill import kill_paper
    from mexc_tui.paper import SCOPE
    from mexc_tui.questions.asjson import encode

    if not yes:
        agree(asker, PAPER_PLAN.format(profile=asker.reach.paths.profile))
    killed = kill_paper(SCOPE, asker.reach.paths, asker.reach.who)
    click.echo(encode(killed) if asker.as_json else "\n".join(killed.words))
    if not killed.is_done:
        fail("It is not done: see above.", NOT_DONE)
