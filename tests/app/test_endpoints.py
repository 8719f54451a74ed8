"""The file with the addresses of a practice exchange."""

from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.endpoints import StartError, read_endpoint
from mexc_tui.model.endpoint import Endpoint

ENDPOINT = Endpoint(
    rest="http://127.0.0.1:1", ws="ws://127.0.0.1:1", web="http://127.0.0.1:1", exchange_session="s1"
)


def test_the_printed_line_is_read(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    file.write_bytes(msgspec.json.encode(ENDPOINT))
    assert read_endpoint(file) == ENDPOINT


def test_a_line_of_an_older_version_is_refused_and_opens_no_other_ledger(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    file.write_bytes(msgspec.json.encode(ENDPOINT).replace(b"exchange_session", b"world"))
    with pytest.raises(StartError, match="was printed by an older version"):
        read_endpoint(file)
