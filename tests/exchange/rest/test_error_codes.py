"""Decisions derived from error codes (protocol 2.2, 6.1, 6.3)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.rest.error_codes import TABLE, ErrorBody, explain, is_success, parse_number, read_error
from mexc_tui.model.outcome import Advice


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"code":30004,"msg":"Insufficient position"}', 30004),
        ('{"msg":"Unknown order sent.","code":-2011}', -2011),
        ('{"code":"730708","msg":"listen key information error"}', 730708),
        ('{"code":-1128,"msg":"Combination of optional parameters invalid.","_extend":null}', -1128),
        ('{"code":429,"msg":"Too many requests"}', 429),
        ('{"code":"429","msg":null}', 429),
    ],
)
def test_every_known_shape_is_read(body: str, code: int) -> None:
    refusal = explain(400, read_error(body.encode()))
    assert refusal.code == code
    assert refusal.text == TABLE[code].text


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"code":{}}', b"\xff", b"[" * 100_000])
def test_an_unreadable_body_is_not_definite(body: bytes) -> None:
    assert not explain(400, read_error(body)).definite


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (30010, Advice.REPRICE),
        (30087, Advice.REPRICE),
        (30002, Advice.RAISE_SIZE),
        (30019, Advice.CHANGE_TYPE),
        (30051, Advice.CHANGE_TYPE),
        (30041, Advice.CHANGE_TYPE),
        (30025, Advice.CHANGE_TYPE),
        (30004, Advice.REFRESH_BALANCES),
        (30005, Advice.REFRESH_BALANCES),
        (30027, Advice.STOP_BUYING),
        (30028, Advice.WAIT),
        (10098, Advice.STOP),
        (60005, Advice.STOP),
        (70011, Advice.STOP_PAIR),
        (700002, Advice.STOP),
        (700003, Advice.RESYNC_CLOCK),
        (700006, Advice.STOP),
        (700013, Advice.MEND),
        (429, Advice.WAIT),
    ],
)
def test_R15_R16_R18_known_rejects_are_definite_and_carry_advice(code: int, advice: Advice) -> None:
    refusal = explain(400, ErrorBody(code, "x"))
    assert refusal.definite
    assert refusal.advice is advice


@pytest.mark.parametrize("code", [10007, 30001, 30014, 30016, 30000])
def test_too_early_codes_are_retried_while_a_listing_opens(code: int) -> None:
    refusal = explain(400, ErrorBody(code, "x"))
    assert refusal.definite
    assert refusal.listing_advice is Advice.RETRY_NOW
    assert refusal.advice is not Advice.RETRY_NOW


@pytest.mark.parametrize("code", [-2011, -2013, 403, 500, 503, 504, 10203, 20002])
def test_codes_that_leave_the_order_unknown_are_not_definite(code: int) -> None:
    refusal = explain(400, ErrorBody(code, "x"))
    assert not refusal.definite


@given(st.integers(-(10**9), 10**9).filter(lambda code: code not in TABLE), st.sampled_from([200, 400]))
def test_R13_a_code_outside_the_table_is_never_definite(code: int, status: int) -> None:
    refusal = explain(status, ErrorBody(code, "new"))
    assert not refusal.definite
    assert refusal.advice is Advice.QUERY


@given(st.sampled_from(sorted(TABLE)), st.integers(500, 599))
def test_R6_a_server_error_is_never_definite_whatever_its_body_contains(code: int, status: int) -> None:
    assert not explain(status, ErrorBody(code, "x")).definite


@pytest.mark.parametrize(
    ("status", "definite"), [(401, True), (418, True), (429, True), (403, False), (404, False)]
)
def test_a_status_without_a_code_is_classified_by_itself(status: int, definite: bool) -> None:
    assert explain(status, ErrorBody()).definite is definite


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("The price cannot be higher than 0.05USDT", Decimal("0.05")),
        ("The price cannot be higher than 12 USDT", Decimal(12)),
        ("The price cannot be lower than 0.00000123USDC", Decimal("0.00000123")),
        ("The price cannot be higher than 5E-7USDT", Decimal("5E-7")),
        ("The minimum transaction volume cannot be less than:0.5USDT", Decimal("0.5")),
        ("no valid trade price", None),
        ("", None),
        ("The price cannot be higher than 0USDT", None),
    ],
)
def test_the_number_in_a_rejection_message_is_read(message: str, number: Decimal | None) -> None:
    assert parse_number(message) == number
    assert explain(400, ErrorBody(30010, message)).number == number


@given(st.text(max_size=80))
def test_no_message_breaks_the_number_parser(message: str) -> None:
    number = parse_number(f"The price cannot be higher than {message}")
    assert number is None or number > 0


@given(st.one_of(st.integers(), st.text(), st.none()), st.one_of(st.text(), st.none()), st.integers(100, 999))
def test_explaining_never_fails_and_messages_are_sanitised(
    code: int | str | None, message: str | None, status: int
) -> None:
    refusal = explain(status, ErrorBody(code, message))
    assert refusal.text
    assert refusal.message.isprintable()


@pytest.mark.parametrize("code", [0, 200, "0", "200"])
def test_both_success_codes_count(code: int | str) -> None:
    assert is_success(code)


def test_the_table_covers_every_relevant_code_of_the_reference() -> None:
    needed = {
        *(-2011, -2013, -1121, -1128, 26, 400, 401, 403, 429, 500, 503, 504, 602, 10001, 10015, 10099, 10007),
        *(10072, 10073, 10095, 10096, 10097, 10102, 10098, 10101, 10203, 11444, 20002, 22222, 33333, 44444),
        *(30000, 30001, 30002, 30003, 30004, 30005, 30010, 30014, 30021, 30016, 30018, 30019, 30051, 30020),
        *(30025, 30026, 30027, 30028, 30029, 30032, 30041, 30087, 60005, 70011, 700001, 700002, 700003),
        *(700004, 700005, 700006, 700007, 700008, 700013, 730001, 730708),
    }
    assert needed <= TABLE.keys()
