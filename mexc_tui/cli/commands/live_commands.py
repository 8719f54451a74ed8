"""Commands that unlock and lock live trading."""

import click

from mexc_tui.cli.command_runner import NOT_DONE, command_runner, fail, output_flags
from mexc_tui.cli.confirmation import typed_phrase
from mexc_tui.model.mode import Mode


@click.command()
@output_flags
def unlock(profile: str | None, as_json: bool) -> None:
    """Unlock live trading for some hours. Needs a phrase typed at a terminal."""
    from mexc_tui.desk.trading_requests import PREVIEW, UNLOCK, PreviewQuery, UnlockRequest
    from mexc_tui.model.plan_view import Preview

    with command_runner(profile, as_json, Mode.LIVE.value) as runner:
        reply = runner.engine.query(PREVIEW, PreviewQuery(name=Preview.UNLOCK))
        if not reply.is_allowed:
            fail(reply.text, NOT_DONE)
        runner.send(UNLOCK, UnlockRequest(typed=typed_phrase(runner, reply.text, reply.typed)))


@click.command()
@output_flags
def lock(profile: str | None, as_json: bool) -> None:
    """Lock live trading: no more entries. Open positions keep their exits."""
    from mexc_tui.desk.engine_requests import NoArguments
    from mexc_tui.desk.trading_requests import LOCK

    with command_runner(profile, as_json, Mode.LIVE.value, is_emergency=True) as runner:
        runner.send(LOCK, NoArguments())


COMMANDS: tuple[click.Command, ...] = (unlock, lock)
