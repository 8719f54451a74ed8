from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.cli.pages.json_output import encode
from mexc_tui.wording.digits import plain, plain_json

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda one: abs(one.adjusted()) < 300)


class Amount(msgspec.Struct):
    """A struct with an amount, also in an already encoded part."""

    value: Decimal
    stored: msgspec.Raw


@given(NUMBERS)
def test_json_output_of_every_command_has_plain_digits(number: Decimal) -> None:
    text = encode(Amount(number, msgspec.Raw(msgspec.json.encode({"fee": number}))))
    assert "E" not in text
    read = msgspec.json.decode(text)
    assert Decimal(read["value"]) == Decimal(read["stored"]["fee"]) == number


@pytest.mark.parametrize(
    ("number", "said"), [("0E-10", "0"), ("1E+3", "1000"), ("-1.5E-9", "-0.0000000015"), ("0.10", "0.10")]
)
def test_numbers_are_plain_and_keep_their_decimals(number: str, said: str) -> None:
    assert plain(str(Decimal(number))) == said


@given(st.text())
def test_other_texts_are_unchanged(text: str) -> None:
    for one in (f'{text}"0E-10"', f"E{text}", f"{text} 1E+3"):
        assert plain(one) == one
        assert msgspec.json.decode(plain_json(msgspec.json.encode([one]))) == [one]
