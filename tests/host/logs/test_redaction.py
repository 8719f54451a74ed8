"""No secret survives the redaction, in any usual encoding, and ordinary texts are left as they are."""

import base64
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.host.logs.redaction import MASK, Redactor
from mexc_tui.model.credentials import Secret

CANARY = "Canary/Se+cret-0123"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
FORMS = (
    CANARY,
    base64.b64encode(CANARY.encode()).decode(),
    CANARY.encode().hex(),
    CANARY.encode().hex().upper(),
    urllib.parse.quote(CANARY, safe=""),
)


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_removed_in_every_encoding(form: str) -> None:
    found = Redactor([Secret(CANARY)]).clean(f"before {form} after")
    assert found == f"before {MASK} after"


@given(
    secret=st.text(ALPHABET, min_size=16, max_size=64),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_any_known_secret_is_removed_wherever_it_is(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([Secret(secret)]).clean(f"{before}{secret}{after}").replace(MASK, "")


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v3/order?symbol=X&signature=SECRETVALUE&x=1",
        "X-MEXC-APIKEY: SECRETVALUE",
        '{"listenKey":"SECRETVALUE"}',
        "api_key = 'SECRETVALUE'",
        "Authorization: SECRETVALUE",
        "passphrase=SECRETVALUE",
    ],
)
def test_a_named_secret_is_removed_without_knowing_it(text: str) -> None:
    found = Redactor().clean(text)
    assert "SECRETVALUE" not in found
    assert MASK in found


@pytest.mark.parametrize(
    "secret",
    [
        "mx0vglABCDEF123456",
        "Bearer abc.def-ghi_jkl",
        "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345",
        "a" * 64,
        "0123456789abcdef" * 2,
        "https://discord.com/api/webhooks/1/xyz",
        "https://hooks.slack.com/services/T0/B0/xyz",
    ],
)
def test_what_looks_like_a_secret_is_removed(secret: str) -> None:
    assert Redactor().clean(f"sent to {secret} now") == f"sent to {MASK} now"


@pytest.mark.parametrize(
    "text",
    [
        "order d3abcd-1a2b3c-0001-1 of NEWUSDT: filled 9 at 1.11",
        "C02__700000000000000001042",
        "settings 0123456789abcdef",
        "the token NEW is listed",
        '{"symbol":"TOKENUSDT","price":"0.000000001234"}',
    ],
)
def test_ordinary_texts_are_unchanged(text: str) -> None:
    assert Redactor([Secret(CANARY)], "/home/me").clean(text) == text


def test_the_home_folder_is_shown_as_a_tilde() -> None:
    assert Redactor(home="/home/me/").clean("/home/me/.local/state") == "~/.local/state"
