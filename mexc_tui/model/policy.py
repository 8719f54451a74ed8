"""What a person decides about trading, as words that every room understands."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class AutoArm(StrEnum):
    """Where signals may arm snipes by themselves."""

    PRACTICE = "practice"
    EVERYWHERE = "everywhere"
    NEVER = "never"


class Sizing(StrEnum):
    """How an entry's size is found."""

    FIXED = "fixed"  # a fixed amount of the quote asset
    EQUITY = "equity"  # a share of equity
    RISK = "risk"  # so that the stop costs a share of equity


class OnStop(StrEnum):
    """What a stopping engine does with open positions."""

    HOLD = "hold"
    FLATTEN = "flatten"


class OnCritical(StrEnum):
    """What a critical finding of the risk monitor does with open positions; entries halt either way."""

    UNSET = "unset"  # flatten in practice and paper, halt in live
    HALT = "halt"
    FLATTEN = "flatten"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the exit ladder: sell `share_pct` of the position at `gain_pct` above the entry."""

    share_pct: Decimal
    gain_pct: Decimal

    def __str__(self) -> str:
        """Return it as it is written in settings: 30@10."""
        return f"{self.share_pct:f}@{self.gain_pct:f}"
