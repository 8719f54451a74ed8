"""Signatures against published and recomputed vectors (protocol 2.4, 2.5)."""

import copy
import hashlib
import hmac
import pickle
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.rest.signing import Signer, encode
from mexc_tui.model.credentials import Credentials, Secret

PUBLISHED = "45d0b3c26f2644f19bfb98b07741b2f5"
OURS = "sim-secret-0123456789abcdef"
BATCH = '[{"symbol":"MXUSDT","side":"BUY","type":"LIMIT","quantity":"50","price":"0.1"}]'
LIMIT = [("symbol", "MXUSDT"), ("side", "BUY"), ("type", "LIMIT"), ("quantity", "50"), ("price", "0.1")]
WINDOW = [("recvWindow", "5000"), ("timestamp", "1760000000000")]

PUBLISHED_TEXT = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
)

VECTORS = {
    "docs example 2": (
        PUBLISHED,
        PUBLISHED_TEXT,
        "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a",
    ),
    "docs example 3, query and body joined by nothing": (
        PUBLISHED,
        "symbol=BTCUSDT&side=BUY&type=LIMITquantity=1&price=11&recvWindow=5000&timestamp=1644489390087",
        "d1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592",
    ),
    "A": (
        OURS,
        encode([*LIMIT, ("newClientOrderId", "bot-1"), *WINDOW]),
        "057519d8a5e1322ed734c43f521b98f29d258ac3470be9e6ad1e13e6219d5f4e",
    ),
    "B": (
        OURS,
        encode(
            [
                ("symbol", "币安人生USDT"),
                ("side", "BUY"),
                ("type", "MARKET"),
                ("quoteOrderQty", "10"),
                *WINDOW,
            ]
        ),
        "97ac02cd608af32ca5c6dae0818d0b9c063920a8be0e05f3de18e92af3abc4bd",
    ),
    "B', the symbol not encoded": (
        OURS,
        "symbol=币安人生USDT&side=BUY&type=MARKET&quoteOrderQty=10&recvWindow=5000&timestamp=1760000000000",
        "255136c27009a71614e7742d253fd8ab8682c4cc0d0c547fcb80daa7f0c97476",
    ),
    "C": (
        OURS,
        encode([("newClientOrderId", "a b+c/d,e"), ("timestamp", "1760000000000")]),
        "11b4bfe711e30653ade687401ff22704a67a10cdaa9044639decc81d79902821",
    ),
    "D": (
        OURS,
        encode([("batchOrders", BATCH), *WINDOW]),
        "4a3437f39b4426a58c032c50ea235902b229023f6ca93072bea9d1027c62eef3",
    ),
    "E, query and body": (
        OURS,
        "symbol=MXUSDT&side=BUY&type=LIMITquantity=50&price=0.1&timestamp=1760000000000",
        "3aed98953e730bb54f0f6ba3ac4b1d054e2942595c6a0fc33ac6e30f8f70464e",
    ),
    "E-, wrongly joined with &": (
        OURS,
        "symbol=MXUSDT&side=BUY&type=LIMIT&quantity=50&price=0.1&timestamp=1760000000000",
        "a709fbd411574459856165b974c21d9f786254f4a7e20bbe0030613be0b7c792",
    ),
    "F": (OURS, encode(WINDOW), "1c2ab2cee012bac0bba7a5755a324a4767bbb05e3c7eb1a3a995251b144ab3f3"),
    "G": (
        OURS,
        encode([("timestamp", "1760000000000")]),
        "1c427446781ceafd5fd7df010ba507137d82d557717e7606dd8c88b8969e56d4",
    ),
}


def signer(secret: str) -> Signer:
    return Signer(Credentials("mx0vTESTTESTTEST12", Secret(secret)))


@pytest.mark.parametrize(("secret", "text", "digest"), VECTORS.values(), ids=VECTORS)
def test_a_vector_has_its_published_digest(secret: str, text: str, digest: str) -> None:
    assert signer(secret).sign(text) == digest


def test_the_digest_of_the_first_documented_example_is_wrong() -> None:
    assert not signer(PUBLISHED).sign(PUBLISHED_TEXT).startswith("323c96ab")


def test_a_body_joined_with_an_ampersand_has_another_signature() -> None:
    assert VECTORS["E, query and body"][2] != VECTORS["E-, wrongly joined with &"][2]


def test_the_signed_query_ends_with_window_time_and_signature() -> None:
    query = signer(OURS).signed_query([*LIMIT, ("newClientOrderId", "bot-1")], 5_000, 1_760_000_000_000)
    assert query == f"{VECTORS['A'][1]}&signature={VECTORS['A'][2]}"


def test_a_query_without_parameters_is_signed_too() -> None:
    query = signer(OURS).signed_query([], 5_000, 1_760_000_000_000)
    assert query == f"{VECTORS['F'][1]}&signature={VECTORS['F'][2]}"


def test_encoding_is_upper_case_and_a_space_is_never_a_plus() -> None:
    assert encode([("v", "[a b]+é")]) == "v=%5Ba%20b%5D%2B%C3%A9"


@given(st.lists(st.tuples(st.sampled_from(["symbol", "x"]), st.text()), max_size=6))
def test_all_values_survive_encoding_and_decoding(params: list[tuple[str, str]]) -> None:
    text = encode(params)
    assert text.isascii()
    assert " " not in text
    assert "+" not in text
    pieces = [piece.split("=", 1) for piece in text.split("&")] if params else []
    assert [(name, unquote(value)) for name, value in pieces] == params


@given(st.text(st.characters(codec="ascii"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_a_signature_is_hmac_sha256_in_lower_case(secret: str, text: str) -> None:
    expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert signer(secret).sign(text) == expected


def test_a_text_that_is_not_unicode_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode([("v", "\ud800")])


def test_a_secret_is_never_printed() -> None:
    credentials = Credentials("mx0vTESTTESTTEST12", Secret(OURS))
    shown = (
        f"{credentials} {credentials!r} {credentials.secret} {credentials.secret!r} {credentials.secret:>9}"
    )
    assert OURS not in shown
    assert "TESTTEST" not in shown
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(credentials.secret)


def test_an_access_key_cannot_inject_a_header() -> None:
    with pytest.raises(ValueError, match="letters, digits") as caught:
        Credentials("abc\r\nX-Evil: 1", Secret(OURS))
    assert "Evil" not in str(caught.value)
