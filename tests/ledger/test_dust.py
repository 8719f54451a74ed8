"""Ownership of dust before its conversion to MX, and the entry of the conversion."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.ledger.accounts import sum_balances
from mexc_tui.ledger.dust import conversion_entry, written_off_dust
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Posting
from tests.support.samples.ledger_samples import imbalances

D = Decimal
OWN, DUST, DRIFT, START = LedgerAccount.OWN, EntryKind.DUST, EntryKind.DRIFT, EntryKind.START


def entry(kind: EntryKind, amount: Decimal, asset: str = "NEW") -> LedgerEntry:
    """Return an entry that moves this amount to the user's account."""
    source = LedgerAccount.DESK if kind is DUST else LedgerAccount.EXTERNAL
    postings = (Posting(source, asset, -amount), Posting(OWN, asset, amount))
    return LedgerEntry(id=f"{kind}/{amount}", kind=kind, at_ms=1, postings=postings)


def test_only_remainders_are_dust() -> None:
    assert written_off_dust([entry(DUST, D("0.08")), entry(DUST, D("0.3"))]) == {"NEW": D("0.38")}
    assert written_off_dust([entry(START, D(5))]) == {}
    assert written_off_dust([]) == {}


def test_a_coin_is_the_users_own_after_any_other_inflow() -> None:
    dust, own = entry(DUST, D("0.08")), entry(DRIFT, D(3))
    assert written_off_dust([own, dust]) == {}
    assert written_off_dust([dust, own]) == {}
    assert written_off_dust([dust, own, entry(DRIFT, D("-3.00"))]) == {}
    assert written_off_dust([dust, own, entry(DRIFT, D("-3.08"))]) == {}
    assert written_off_dust([dust, own, entry(DRIFT, D("-3.08")), dust]) == {"NEW": D("0.08")}


def test_dust_withdrawn_by_the_user_is_no_longer_dust() -> None:
    assert written_off_dust([entry(DUST, D("0.08")), entry(DRIFT, D("-0.05"))]) == {"NEW": D("0.03")}
    assert written_off_dust([entry(DUST, D("0.08")), entry(DRIFT, D("-0.09")), entry(DUST, D(1))]) == {}


def test_mx_is_never_converted_into_itself() -> None:
    assert written_off_dust([entry(DUST, D(1), "MX")]) == {}


@given(
    st.lists(st.tuples(st.sampled_from((DUST, DRIFT, START)), st.decimals("-5", "5", places=2)), max_size=12)
)
def test_dust_is_never_more_than_the_account_has_or_the_desk_wrote_off(
    moves: list[tuple[EntryKind, Decimal]],
) -> None:
    entries = [entry(kind, abs(amount) if kind is DUST else amount) for kind, amount in moves]
    dust = written_off_dust(entries).get("NEW", D(0))
    assert dust in (D(0), sum_balances(entries).get((OWN, "NEW"), D(0)))
    assert dust <= sum((abs(amount) for kind, amount in moves if kind is DUST), D(0))


def test_a_conversion_removes_coins_adds_mx_and_books_the_fee() -> None:
    made = conversion_entry({"NEW": D("0.08"), "OLD": D(2)}, D("0.49"), D("0.01"), at_ms=7)
    assert imbalances(made) == ()
    held = sum_balances([made])
    assert (held[OWN, "NEW"], held[OWN, "OLD"], held[OWN, "MX"]) == (D("-0.08"), D(-2), D("0.49"))
    assert (held[LedgerAccount.FEES, "MX"], held[LedgerAccount.EXCHANGE, "MX"]) == (D("0.01"), D("-0.50"))
    assert made.flow == 0
    assert (
        written_off_dust([entry(DUST, D("0.08")), conversion_entry({"NEW": D("0.08")}, D(1), D(0), at_ms=8)])
        == {}
    )
