"""What every command has in common, by a command that was done, done in part, or refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from mexc_tui.cli.command_runner import CommandRunner, line_width
from mexc_tui.cli.tables import Pen
from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Reply

if TYPE_CHECKING:
    from mexc_tui.cli.data_source import DataSource


class Sold(msgspec.Struct, frozen=True):
    orders: int


SELL = CommandKind("sell", Sold, Sold)


@dataclass
class Answering:
    """Stands where an engine is reached."""

    reply: Reply[Any]

    def tell(self, kind: object, args: object, deadline_s: float) -> Reply[Any]:
        return self.reply


def asker(outcome: CommandOutcome, result: Sold | None, *, as_json: bool) -> CommandRunner:
    reply = Reply(outcome, f"It is {outcome}.", result, is_repeated=False)
    return CommandRunner(cast("DataSource", Answering(reply)), Pen(), as_json)


def test_what_was_done_is_told_in_words_or_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    asker(CommandOutcome.DONE, Sold(2), as_json=False).tell(SELL, Sold(2))
    asker(CommandOutcome.DONE, Sold(2), as_json=True).tell(SELL, Sold(2))
    assert capsys.readouterr() == ('It is done.\n{"orders":2}\n', "")


def test_what_was_done_in_part_is_printed_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        asker(CommandOutcome.PARTLY, Sold(1), as_json=True).tell(SELL, Sold(2))
    assert ended.value.code == 1
    assert capsys.readouterr() == ('{"orders":1}\n', "mexc-tui: It is partly.\n")


@pytest.mark.parametrize("outcome", [CommandOutcome.REFUSED, CommandOutcome.FAILED, CommandOutcome.UNKNOWN])
def test_what_was_not_done_is_one_line_and_1(
    outcome: CommandOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        asker(outcome, None, as_json=False).tell(SELL, Sold(2))
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", f"mexc-tui: It is {outcome}.\n")


@pytest.mark.parametrize(
    ("columns", "width"),
    [({}, None), ({"COLUMNS": "x"}, None), ({"COLUMNS": "100"}, 100), ({"COLUMNS": "3"}, 40)],
)
def test_piped_text_is_as_wide_as_it_likes_unless_columns_says_otherwise(
    columns: dict[str, str], width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for name, value in columns.items():
        monkeypatch.setenv(name, value)
    assert line_width(columns) == width
