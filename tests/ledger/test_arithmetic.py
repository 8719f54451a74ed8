from decimal import Decimal

import pytest

from mexc_tui.ledger.arithmetic import short


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.045207000000000000", "0.045207"),
        ("1234567.891", "1234567.9"),
        ("0.00000001234567891", "0.000000012345679"),
        ("1E+3", "1000"),
        ("0E-10", "0"),
    ],
)
def test_numbers_in_texts_have_eight_significant_digits(value: str, said: str) -> None:
    assert short(Decimal(value)) == said
