"""The stored ban of the exchange, over restarts and clock changes."""

from pathlib import Path

from mexc_tui.app.ban_file import BanFile
from mexc_tui.exchange.limits.bans import Ban, BanKind

ORIGIN = "https://exchange.example"
NOW_MS = 1_790_000_000_000
KIND = next(iter(BanKind))
HOUR_MS = 3_600_000


def test_a_ban_lasts_until_its_end(tmp_path: Path) -> None:
    file = BanFile(tmp_path, ORIGIN)
    file.write(Ban(KIND, 60.0, NOW_MS + 60_000))
    assert file.read(NOW_MS + 20_000) == Ban(KIND, 40.0, NOW_MS + 60_000)
    assert file.read(NOW_MS + 60_000) is None


def test_a_ban_of_another_exchange_and_an_unreadable_file_are_ignored(tmp_path: Path) -> None:
    BanFile(tmp_path, ORIGIN).write(Ban(KIND, 60.0, NOW_MS + 60_000))
    assert BanFile(tmp_path, "https://other.example").read(NOW_MS) is None
    (tmp_path / "ban.json").write_bytes(b"{")
    assert BanFile(tmp_path, ORIGIN).read(NOW_MS) is None


def test_a_clock_set_back_does_not_extend_a_ban_beyond_its_length(tmp_path: Path) -> None:
    file = BanFile(tmp_path, ORIGIN)
    file.write(Ban(KIND, 60.0, NOW_MS + 60_000))
    back_ms = NOW_MS - HOUR_MS
    assert file.read(back_ms) == Ban(KIND, 60.0, back_ms + 60_000)
    assert file.read(back_ms + 45_000) == Ban(KIND, 15.0, back_ms + 60_000)
    assert file.read(back_ms + 60_000) is None
