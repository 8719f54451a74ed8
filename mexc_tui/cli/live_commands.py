"""Commands that unlock and lock live trading."""

import click

from mexc_tui.cli.command_runner import NOT_DONE, asked, asking, fail
from mexc_tui.cli.confirmation import typed_phrase
from mexc_tui.model.mode import Mode


@click.command()
@asked
def unlock(profile: str | None, as_json: bool) -> None:
    """Unlock live trading for some hours. Needs a phrase typed at a terminal."""
    from mexc_tui.desk.trading_requests import PREVIEW, UNLOCK, PreviewAsked, UnlockAsked
    from mexc_tui.model.plan_view import Preview

    with asking(profile, as_json, Mode.LIVE.value) as asker:
        reply = asker.reach.ask(PREVIEW, PreviewAsked(name=Preview.UNLOCK))
        if not reply.is_allowed:
            fail(reply.words, NOT_DONE)
        asker.tell(UNLOCK, UnlockAsked(typed=typed_phrase(asker, reply.words, reply.typed)))


@click.command()
@asked
def lock(profile: str | None, as_json: bool) -> None:
    """Lock live trading: no new entries; open positions keep their exits."""
    from mexc_tui.desk.engine_requests import Nothing
    from mexc_tui.desk.trading_requests import LOCK

    with asking(profile, as_json, Mode.LIVE.value, is_emergency=True) as asker:
        asker.tell(LOCK, Nothing())


COMMANDS: tuple[click.Command, ...] = (unlock, lock)
