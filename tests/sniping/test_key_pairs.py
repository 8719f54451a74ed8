"""Trading permission of a key from its own symbol list."""

import pytest

from mexc_tui.sniping.key_pairs import OLD_MS, SETTLED_MS, KeyPairs, key_may_trade

NOW_MS = 1_790_000_000_000
API_MS = NOW_MS - 60_000
OTHERS = frozenset({"BTCUSDT", "ETHUSDT"})


@pytest.mark.parametrize(
    ("pairs", "api_ms", "answer", "words"),
    [
        (None, API_MS, None, "unknown: selfSymbols not read"),
        (KeyPairs(OTHERS | {"NEWUSDT"}, NOW_MS - 3_000), API_MS, True, "yes: selfSymbols, read 3 s ago"),
        (KeyPairs(OTHERS | {"NEWUSDT"}, NOW_MS - 3_000), None, True, "yes: selfSymbols, read 3 s ago"),
        (KeyPairs(OTHERS, NOW_MS - 3_000), API_MS, False, "no: selfSymbols, read 3 s ago, not listed"),
        (KeyPairs(frozenset(), NOW_MS - 3_000), API_MS, None, "empty list"),
        (KeyPairs(OTHERS, NOW_MS - 3_000), None, None, "before API trading opened"),
        (KeyPairs(OTHERS, API_MS + SETTLED_MS - 1), API_MS, None, "before API trading opened"),
        (KeyPairs(OTHERS, API_MS + SETTLED_MS), API_MS, False, "not listed"),
        (KeyPairs(OTHERS | {"NEWUSDT"}, NOW_MS - OLD_MS), API_MS, True, "read 600 s ago"),
        (KeyPairs(OTHERS | {"NEWUSDT"}, NOW_MS - OLD_MS - 1), API_MS, None, "too old"),
        (KeyPairs(OTHERS, NOW_MS - OLD_MS - 1), API_MS - OLD_MS, None, "too old"),
    ],
)
def test_only_a_fresh_list_read_after_api_trading_opened_refuses(
    pairs: KeyPairs | None, api_ms: int | None, answer: bool | None, words: str
) -> None:
    permission = key_may_trade("NEWUSDT", pairs, api_ms, now_ms=NOW_MS)
    assert permission.is_allowed is answer
    assert words in permission.text
