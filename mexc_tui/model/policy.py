"""Trading policies set by the user."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class AutoArm(StrEnum):
    """Modes in which signals may arm snipes automatically."""

    PRACTICE = "practice"
    EVERYWHERE = "everywhere"
    NEVER = "never"


class Sizing(StrEnum):
    """Sizing rule of entries."""

    FIXED = "fixed"  # a fixed amount of the quote asset
    EQUITY = "equity"  # a share of equity
    RISK = "risk"  # so that the stop costs a share of equity


class OnStop(StrEnum):
    """Treatment of open positions when the engine stops."""

    HOLD = "hold"
    FLATTEN = "flatten"


class OnCritical(StrEnum):
    """Treatment of open positions after a critical finding of the risk monitor; entries halt in any case."""

    UNSET = "unset"  # flatten in practice and paper, halt in live
    HALT = "halt"
    FLATTEN = "flatten"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the exit ladder: sell `share_pct` of the position at `gain_pct` above the entry."""

    share_pct: Decimal
    gain_pct: Decimal

    def __str__(self) -> str:
        """Return the text of the setting, such as 30@10."""
        return f"{self.share_pct:f}@{self.gain_pct:f}"
