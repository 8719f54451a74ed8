"""Output and exit codes of a command that was done, partly done or refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from mexc_tui.cli.command_runner import CommandRunner, line_width
from mexc_tui.cli.pages.tables import Pen
from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Reply

if TYPE_CHECKING:
    from mexc_tui.cli.engine_access import EngineAccess
    from mexc_tui.cli.profile_access import ProfileAccess


class Sold(msgspec.Struct, frozen=True):
    orders: int


SELL = CommandKind("sell", Sold, Sold)


@dataclass
class RepliesOnce:
    """A replacement of EngineAccess with one reply."""

    reply: Reply[Any]

    def send(self, kind: object, args: object, deadline_s: float) -> Reply[Any]:
        return self.reply


def runner(outcome: CommandOutcome, result: Sold | None, *, as_json: bool) -> CommandRunner:
    reply = Reply(outcome, f"It is {outcome}.", result, is_repeated=False)
    return CommandRunner(
        cast("ProfileAccess", None), cast("EngineAccess", RepliesOnce(reply)), Pen(), as_json
    )


def test_a_result_is_printed_as_text_or_as_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    runner(CommandOutcome.DONE, Sold(2), as_json=False).send(SELL, Sold(2))
    runner(CommandOutcome.DONE, Sold(2), as_json=True).send(SELL, Sold(2))
    assert capsys.readouterr() == ('It is done.\n{"orders":2}\n', "")


def test_a_partial_result_is_printed_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        runner(CommandOutcome.PARTLY, Sold(1), as_json=True).send(SELL, Sold(2))
    assert ended.value.code == 1
    assert capsys.readouterr() == ('{"orders":1}\n', "mexc-tui: It is partly.\n")


@pytest.mark.parametrize("outcome", [CommandOutcome.REFUSED, CommandOutcome.FAILED, CommandOutcome.UNKNOWN])
def test_a_failure_is_one_line_with_exit_code_1(
    outcome: CommandOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        runner(outcome, None, as_json=False).send(SELL, Sold(2))
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", f"mexc-tui: It is {outcome}.\n")


@pytest.mark.parametrize(
    ("columns", "width"),
    [({}, None), ({"COLUMNS": "x"}, None), ({"COLUMNS": "100"}, 100), ({"COLUMNS": "3"}, 40)],
)
def test_piped_text_has_no_width_limit_unless_columns_sets_one(
    columns: dict[str, str], width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for name, value in columns.items():
        monkeypatch.setenv(name, value)
    assert line_width(columns) == width
