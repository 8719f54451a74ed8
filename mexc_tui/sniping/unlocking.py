"""Live unlock: the conditions before it, and the confirmation phrase. Pure."""

from decimal import Decimal
from random import Random

from mexc_tui.sniping.request import DeskFacts

_WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty"),
    *("kelp", "larch", "maple", "north", "otter", "pearl", "quill", "river", "slate", "thorn"),
    *("umber", "vapor", "willow", "yarrow", "zinc", "anchor", "basalt", "copper", "dune", "estuary"),
)
"""Short words without special characters, easy to tell apart."""


RULES_DATE = "2026-11-30"
"""Date of the notice about MEXC's rules for automated trading. A new date asks for a new acknowledgement."""


def phrase(cap: Decimal, positions: int, rng: Random, *, with_rules: bool = False) -> str:
    """Return a confirmation phrase that habit cannot type: the maximum risk and two random words.

    `with_rules`: it also acknowledges MEXC's rules.
    """
    first, second = rng.sample(_WORDS, 2)
    text = f"live {positions} x {cap.normalize():f} {first} {second}"
    return f"{text} rules read" if with_rules else text


def unlock_blockers(desk: DeskFacts) -> tuple[str, ...]:
    """Return what prevents the live unlock; empty: nothing."""
    found: list[str] = []
    if desk.key is None:
        found.append("key permissions unknown: wait a minute, or run mexc-tui keys check")
    elif desk.key.may_withdraw:
        found.append("the key CAN WITHDRAW: create one without withdrawal permission, then mexc-tui keys set")
    elif not desk.key.may_trade:
        found.append("the key cannot trade: enable spot trading")
    if not desk.trading.state.allows_entries:
        found.append(f"trading is {desk.trading.state}: {desk.trading.text or 'resume first'}")
    ill = (worker for worker in desk.workers if not worker.is_healthy)
    found += [f"{worker.name} is not healthy: {worker.text or 'starting'}" for worker in ill]
    if not desk.is_reconciled:
        found.append("not reconciled with the exchange yet")
    if desk.ban:
        found.append(desk.ban)
    return tuple(found)
