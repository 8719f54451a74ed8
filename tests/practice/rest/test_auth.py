"""Authentication of calls to the practice exchange."""

import hashlib
import hmac
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules, Authenticator, KeyPermission, SignedCall, credentials
from mexc_tui.practice.rest.params import Params
from mexc_tui.practice.scenario import AccountPlan

NOW = 1_760_000_000_000
KEY = "mx0vtest0123456789"
SECRET = "sim-secret-0123456789abcdef"

# Reference 2.5: (query, body, digest)
VECTORS = {
    "A": (
        "symbol=MXUSDT&side=BUY&type=LIMIT&quantity=50&price=0.1&newClientOrderId=bot-1&recvWindow=5000&timestamp=1760000000000",
        "",
        "057519d8a5e1322ed734c43f521b98f29d258ac3470be9e6ad1e13e6219d5f4e",
    ),
    "B": (
        "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=BUY&type=MARKET&quoteOrderQty=10&recvWindow=5000&timestamp=1760000000000",
        "",
        "97ac02cd608af32ca5c6dae0818d0b9c063920a8be0e05f3de18e92af3abc4bd",
    ),
    "C": (
        "newClientOrderId=a%20b%2Bc%2Fd%2Ce&timestamp=1760000000000",
        "",
        "11b4bfe711e30653ade687401ff22704a67a10cdaa9044639decc81d79902821",
    ),
    "E": (
        "symbol=MXUSDT&side=BUY&type=LIMIT",
        "quantity=50&price=0.1&timestamp=1760000000000",
        "3aed98953e730bb54f0f6ba3ac4b1d054e2942595c6a0fc33ac6e30f8f70464e",
    ),
    "F": (
        "recvWindow=5000&timestamp=1760000000000",
        "",
        "1c2ab2cee012bac0bba7a5755a324a4767bbb05e3c7eb1a3a995251b144ab3f3",
    ),
    "G": ("timestamp=1760000000000", "", "1c427446781ceafd5fd7df010ba507137d82d557717e7606dd8c88b8969e56d4"),
}
DECODED_B = "255136c27009a71614e7742d253fd8ab8682c4cc0d0c547fcb80daa7f0c97476"
WRONGLY_JOINED_E = "a709fbd411574459856165b974c21d9f786254f4a7e20bbe0030613be0b7c792"


def gate(*, strict: bool = False, plan: AccountPlan | None = None) -> Authenticator:
    return Authenticator(KEY, SECRET, plan or AccountPlan(), strict=strict)


def call(query: str, body: str = "", **changes: str | None) -> SignedCall:
    fields: dict[str, str | None] = {
        "method": "POST",
        "content_type": "application/json",
        "key": KEY,
        "address": "127.0.0.1",
        **changes,
    }
    return SignedCall(
        method=fields["method"] or "",
        content_type=fields["content_type"] or "",
        key=fields["key"],
        address=fields["address"] or "",
        params=Params(query, body),
    )


def sign(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def code_of(signed: SignedCall, *, strict: bool = False) -> int | str:
    try:
        gate(strict=strict).check(signed, AccessRules(), NOW)
    except PracticeRefusal as refusal:
        return refusal.code
    return 0


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", VECTORS)
def test_signature_vector_is_accepted(name: str, strict: bool) -> None:
    query, body, digest = VECTORS[name]
    assert code_of(call(f"{query}&signature={digest}", body), strict=strict) == 0


def test_signature_in_the_body_is_accepted() -> None:
    query, body, digest = VECTORS["E"]
    assert code_of(call(query, f"{body}&signature={digest}"), strict=True) == 0


def test_signature_of_decoded_text_is_accepted_unless_strict() -> None:
    query, _, _ = VECTORS["B"]
    assert code_of(call(f"{query}&signature={DECODED_B}")) == 0
    assert code_of(call(f"{query}&signature={DECODED_B}"), strict=True) == 700002


def test_signature_over_percent_20_matches_a_plus_in_the_query() -> None:
    digest = sign("asset=a%20b&timestamp=1760000000000")
    assert code_of(call(f"asset=a+b&timestamp=1760000000000&signature={digest}"), strict=True) == 0


@pytest.mark.parametrize("strict", [False, True])
def test_query_and_body_joined_with_an_ampersand_is_refused(strict: bool) -> None:
    query, body, _ = VECTORS["E"]
    assert code_of(call(f"{query}&signature={WRONGLY_JOINED_E}", body), strict=strict) == 700002


def test_upper_case_digest_is_refused() -> None:
    query, _, digest = VECTORS["A"]
    assert code_of(call(f"{query}&signature={digest.upper()}")) == 700002


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=5),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        max_size=5,
    )
)
def test_strict_accepts_any_percent_encoded_text_signed_as_sent(values: dict[str, str]) -> None:
    text = "".join(f"{name}={quote(value, safe='')}&" for name, value in values.items()) + f"timestamp={NOW}"
    assert code_of(call(f"{text}&signature={sign(text)}"), strict=True) == 0


@given(st.integers(0, 200), st.sampled_from("0123456789abcdef"))
def test_a_changed_character_of_the_digest_is_refused(position: int, digit: str) -> None:
    query, _, digest = VECTORS["F"]
    i = position % len(digest)
    changed = digest[:i] + digit + digest[i + 1 :]
    assert (code_of(call(f"{query}&signature={changed}")) == 0) == (changed == digest)


@pytest.mark.parametrize(
    ("ahead_ms", "window_ms", "code"),
    [
        (999, 5000, 0),
        (1000, 5000, 700003),
        (-5000, 5000, 0),
        (-5001, 5000, 700003),
        (-60000, 60000, 0),
        (-60001, 60000, 700003),
        (0, 60001, 700005),
        (-5001, None, 700003),
        (-5000, None, 0),
        (-1, 0, 700003),
    ],
)
def test_timestamp_rule(ahead_ms: int, window_ms: int | None, code: int) -> None:
    text = f"timestamp={NOW + ahead_ms}"
    if window_ms is not None:
        text += f"&recvWindow={window_ms}"
    assert code_of(call(f"{text}&signature={sign(text)}")) == code


def test_checks_come_in_the_order_of_the_reference() -> None:
    """Each step corrects the first error; the next response reports the next one."""
    plan = AccountPlan(permissions=("SPOT_DEAL_READ",), ips=("10.0.0.1",), pairs=("AUSDT",))
    demand = AccessRules(KeyPermission.DEAL_WRITE, ("symbol",), of_pair=True)
    wrong_time = f"symbol=BUSDT&timestamp={NOW - 9_000}"
    fine = f"symbol=BUSDT&timestamp={NOW}"
    steps: list[tuple[SignedCall, int, str]] = [
        (call("", content_type="text/plain", key="?"), 700013, "Invalid content Type."),
        (call("", key=None), 400, "api key required"),
        (call("", key="?"), 700001, "API-key format invalid"),
        (call("", key="mx0vother123456789"), 10072, "Api key info invalid"),
        (call(""), 700006, "IP [127.0.0.1] not in the ip white list"),
    ]
    inside = [
        (
            "symbol=B",
            700004,
            "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.",
        ),
        (
            "signature=0",
            700004,
            "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.",
        ),
        (
            "signature=0&timestamp=1",
            700004,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        (f"{wrong_time}&recvWindow=99999&signature=0", 700005, "recvWindow must less than 60000"),
        (f"{wrong_time}&signature=0", 700003, "Timestamp for this request is outside of the recvWindow."),
        (f"{fine}&signature=0", 700002, "Signature for this request is not valid."),
        (f"{fine}&signature={sign(fine)}", 700007, "No permission to access the endpoint"),
    ]
    steps += [(call(query, address="10.0.0.1"), code, text) for query, code, text in inside]
    for signed, code, text in steps:
        with pytest.raises(PracticeRefusal) as caught:
            gate(plan=plan).check(signed, demand, NOW)
        assert (caught.value.code, caught.value.message, caught.value.status) == (code, text, 400)


def test_key_limited_to_other_pairs_is_refused_for_orders_only() -> None:
    plan = AccountPlan(pairs=("AUSDT",))
    text = f"symbol=BUSDT&timestamp={NOW}"
    signed = call(f"{text}&signature={sign(text)}")
    gate(plan=plan).check(signed, AccessRules(KeyPermission.DEAL_READ), NOW)
    with pytest.raises(PracticeRefusal) as caught:
        gate(plan=plan).check(signed, AccessRules(KeyPermission.DEAL_WRITE, of_pair=True), NOW)
    assert caught.value.code == 70011


def test_get_needs_no_content_type() -> None:
    text = f"timestamp={NOW}"
    assert code_of(call(f"{text}&signature={sign(text)}", method="GET", content_type="")) == 0


def test_query_takes_precedence_over_body_and_json_bodies_are_parsed() -> None:
    params = Params("a=1", "a=2&b=3")
    assert (params.get("a"), params.get("b")) == ("1", "3")
    params = Params("a=1", '{"a":"2","b":3.50,"c":null,"d":"x y"}')
    assert [params.get(name) for name in "abcd"] == ["1", "3.50", "", "x y"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_parsed_and_checked(query: str, body: str) -> None:
    assert code_of(call(f"{query}&signature=0&timestamp={NOW}", body)) in (700002, 700003, 700004, 700005)


def test_credentials_have_mexcs_format_and_depend_on_seed_and_session() -> None:
    key, secret = credentials(7, "calm-7")
    assert key.startswith("mx0v")
    assert len(key) == 18
    assert len(secret) == 32
    int(secret, 16)
    assert credentials(7, "calm-7") == (key, secret)
    assert credentials(8, "calm-7") != (key, secret)
