"""A day on the practice exchange, as data: knobs, account, listings, other traders, faults, overrides.

Scenarios are TOML files. Everything has a default: a file contains only the differences.
Times ending in `_s` count from the start of the session, or back from an opening where the name says so.
Unverified behaviours of MEXC are knobs, so that the desk is tested against each variant.
"""

import tomllib
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from pathlib import Path

import msgspec

from mexc_tui.model.errors import DeskError


class ScenarioError(DeskError):
    """A scenario file cannot be read.

    Raised before a practice exchange starts. Correct the file: the text names the field.
    """


class ExcessPrecision(StrEnum):
    """Handling of too many decimals (protocol 6.2)."""

    REJECT = "reject"
    TRUNCATE = "truncate"


class PostOnlyCrossing(StrEnum):
    """Handling of a LIMIT_MAKER that would match (protocol 5.1)."""

    CANCEL = "cancel"
    REJECT = "reject"


class DuplicateClientId(StrEnum):
    """Handling of a duplicate client order id (reliability 1.3)."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class EarlyOrder(StrEnum):
    """Response to an order after a pair appeared and before it opened (protocol 11.3)."""

    DIRECTION_NOT_ALLOWED = "30001"
    NOT_SUPPORTED = "10007"
    TRADING_DISABLED = "30016"


class CancelAnswer(StrEnum):
    """The status that DELETE /order reports (protocol 4.4)."""

    BEFORE = "before"
    AFTER = "after"


class EmptySide(StrEnum):
    """Ticker value of an empty side of the book (protocol 4.10)."""

    NULL = "null"
    EMPTY = "empty"  # ""
    ZERO = "zero"  # "0"


class MarketSellByQuote(StrEnum):
    """Handling of a MARKET sell by quote amount; the documentation is inconsistent (protocol 5.2)."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class MarketPolicy(StrEnum):
    """Handling of MARKET orders in the first seconds of a listing (protocol 11.3)."""

    ALLOW = "allow"
    DISABLED_30019 = "30019"
    TYPE_REFUSED_30041 = "30041"
    CANCEL_UNFILLED = "cancel_unfilled"
    LIMIT_ONLY = "limit_only"
    """MARKET and IMMEDIATE_OR_CANCEL are refused with 30041."""


class ListingShape(StrEnum):
    """Behaviour of simulated traders at an opening."""

    RUSH = "rush"  # a steep rise, a peak, a slow fade
    SPIKE = "spike"  # a very steep rise and a crash within half a minute
    FADE = "fade"  # falls from the first trade
    DUD = "dud"  # almost no trades
    THIN = "thin"  # wide spread, little depth, few trades


class FaultKind(StrEnum):
    """Fault between a client and the exchange (reliability 2.1, 2.2)."""

    DELAY = "delay"  # the response (or push) is `amount_ms` late
    LATE_REQUEST = "late_request"  # the request arrives `amount_ms` late
    LATE_EXECUTION = "late_execution"  # the connection closes, executed `amount_ms` later
    LOSE_REQUEST = "lose_request"  # the connection closes, nothing is executed
    LOSE_RESPONSE = "lose_response"  # executed, then the connection closes
    EXECUTED_500 = "executed_500"  # executed, then the response is a 500
    EXECUTED_REFUSED = "executed_refused"  # executed, then the response is a refusal (30004)
    RESET = "reset"  # the connection is reset in the middle of the response
    HALF_OPEN = "half_open"  # the socket stays open without further data
    DROP_PUSH = "drop_push"
    DUPLICATE_PUSH = "duplicate_push"
    REORDER_PUSH = "reorder_push"
    STALE_SNAPSHOT = "stale_snapshot"  # /depth returns the book of `amount_ms` ago
    MALFORMED_ROW = "malformed_row"  # the first row of a list contains null values
    SILENCE = "silence"  # sockets stay open and answer PINGs, without data
    TOO_MANY_REQUESTS = "too_many_requests"  # a 429 storm
    BANNED = "banned"  # 418
    FIREWALL = "firewall"  # HTTP 403 with an HTML body
    MAINTENANCE = "maintenance"  # 503 "Under maintenance"
    CLOCK_SKEW = "clock_skew"  # the exchange's clock is `amount_ms` ahead (negative: behind)

    @classmethod
    def _missing_(cls, value: object) -> "FaultKind | None":
        """Read the name that scenarios before 0.2 contain."""
        return {"lose_answer": cls.LOSE_RESPONSE}.get(str(value))


class Knobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Behaviour where sources disagree, and limits (protocol 3.1, 4, 5, 7, 9, 11)."""

    visibility_ms: tuple[int, int] = (0, 0)
    """GET order, openOrders and allOrders return a new order only after a delay from this range."""
    cancel_race: float = 0.0
    """Probability that a cancel of an open order returns -2011 although it is executed."""
    excess_precision: ExcessPrecision = ExcessPrecision.REJECT
    post_only_crossing: PostOnlyCrossing = PostOnlyCrossing.CANCEL
    duplicate_client_id: DuplicateClientId = DuplicateClientId.ACCEPT
    early_order: EarlyOrder = EarlyOrder.DIRECTION_NOT_ALLOWED
    cancel_answer: CancelAnswer = CancelAnswer.BEFORE
    unknown_symbol_empty: bool = False
    """exchangeInfo?symbol=UNKNOWN returns an empty list instead of -1121."""
    no_open_orders_error: bool = False
    """DELETE openOrders without open orders returns -2011 instead of []."""
    cancel_open_pairs: int = 5
    """Pairs that DELETE openOrders accepts (documented as 5, later as 1); more return -1121."""
    first_open_time: bool = True
    """exchangeInfo contains firstOpenTime."""
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal("0.0005")
    mx_deduction: bool = False
    empty_side: EmptySide = EmptySide.NULL
    market_sell_by_quote: MarketSellByQuote = MarketSellByQuote.REFUSE
    """REFUSE: quantity is missing (700004)."""
    market_protection: Decimal = Decimal("0.05")
    market_enabled: bool = True
    """False: MARKET returns 30019 on every pair."""
    trapped: tuple[str, ...] = ()
    """Coins whose sale is suspended by risk control: 30028."""
    holding_cap_quote: Decimal | None = None
    """30027 when a buy would exceed this value of one coin; None: off."""
    max_open_orders: int = 500
    orders_per_s: int = 12
    ip_weight_per_10s: int = 300
    key_weight_per_10s: int = 500
    firewall_per_s: int | None = None
    """HTML 403 above this many requests per second; None: off."""
    firewall_s: float = 60.0
    ban_after_429: int = 20
    """418 after this many further requests while limited."""
    ban_s: float = 120.0
    retry_after: bool = True
    subscriptions_per_socket: int = 30
    messages_per_s: int = 100
    no_subscription_close_s: float = 30.0
    no_data_close_s: float = 60.0
    socket_lifetime_s: float = 86_400.0
    close_frame: bool = True
    """False: idle sockets are dropped without a close frame."""
    listen_key_s: float = 3_600.0
    listen_keys_per_account: int = 60
    sockets_per_listen_key: int = 5
    reuse_listen_key: bool = False
    web_blocked: bool = False
    """The web site's endpoints return HTML 403."""


class AccountPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Starting balances of the account, and the permissions of its key."""

    balances: dict[str, Decimal] = msgspec.field(default_factory=lambda: {"USDT": Decimal(1000)})
    permissions: tuple[str, ...] = (
        "SPOT_ACCOUNT_READ",
        "SPOT_ACCOUNT_WRITE",
        "SPOT_DEAL_READ",
        "SPOT_DEAL_WRITE",
    )
    ips: tuple[str, ...] = ()
    """Allowed addresses of the key; empty: any."""
    pairs: tuple[str, ...] = ()
    """Pairs that the key may trade; empty: all."""
    kyc: str = "2"


class MarketPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pairs that trade from the start, and their trading rates."""

    symbols: int = 1_950
    active_pairs: int = 10
    trades_per_s: float = 1.0
    """Trading rate of each active pair."""
    quiet_trades_per_s: float = 0.0
    """Trading rate of every other pair; 0: their order books do not change."""


class Postponement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at_s` before the planned opening, it moves by `by_s` (negative: earlier)."""

    at_s: float
    by_s: float


class ListingPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One listing, or a series of them (protocol 11.3)."""

    base: str = ""
    """Ticker; empty: generated from the seed. A series appends a number to a given ticker."""
    quote: str = "USDT"
    full_name: str = ""
    opens_s: float
    every_s: float | None = None
    """Interval after which the plan repeats; None: once."""
    announced_before_s: float = 259_200.0
    visible_before_s: float = 1_800.0
    prepared_before_s: float = 7_200.0
    """symbolsV2 moves to sts 2."""
    ready_before_s: float = 900.0
    """symbolsV2 shows the ready triple 2/2/4."""
    api_allowed: bool = True
    api_from_s: float | None = None
    """isSpotTradingAllowed turns true only this long before the opening; None: with visibility."""
    blocked: bool = False
    """Assessment zone: streams reply Blocked!, public data is refused."""
    in_calendar: bool = True
    jitter_ms: int = 80
    price: Decimal = Decimal("0.05")
    """Reference price of the opening."""
    price_precision: int = 5
    quantity_precision: int = 2
    ceiling_factor: Decimal | None = Decimal(2)
    """Ceiling = price x factor for the first `ceiling_s`; None: no ceiling."""
    ceiling_s: float = 5.0
    market_policy: MarketPolicy = MarketPolicy.ALLOW
    market_policy_s: float = 30.0
    shape: ListingShape = ListingShape.RUSH
    peak: float = 2.0
    """Highest price as a multiple of the reference price."""
    depth_quote: Decimal = Decimal(20000)
    """Value of the asks placed at the opening."""
    trades_per_s: float = 20.0
    """At the peak of the rush."""
    postponed: tuple[Postponement, ...] = ()
    cancelled_before_s: float | None = None
    renamed_before_s: float | None = None
    renamed_to: str = ""
    early_s: float = 0.0
    """The actual opening is this long before the announced one."""
    suspended_after_s: float | None = None
    """status 2 this long after the opening."""


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault: from `at_s` for `for_s`, for each matching event with probability `chance`."""

    kind: FaultKind
    at_s: float = 0.0
    for_s: float | None = None
    """None: until the end."""
    chance: float = 1.0
    amount_ms: int = 0
    path: str = ""
    """REST path or WebSocket channel that it affects (a prefix); empty: all of them."""
    method: str = ""
    """HTTP method; empty: any."""
    times: int | None = None
    """Largest number of occurrences; None: unlimited."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A complete practice day."""

    name: str
    description: str = ""
    duration_s: float | None = None
    """The day ends after this; the exchange keeps serving. None: endless."""
    knobs: Knobs = Knobs()
    account: AccountPlan = AccountPlan()
    market: MarketPlan = MarketPlan()
    listings: tuple[ListingPlan, ...] = ()
    faults: tuple[FaultPlan, ...] = ()
    settings: dict[str, bool | int | float | str] = msgspec.field(
        default_factory=dict[str, bool | int | float | str]
    )
    """Overrides of a desk's settings in practice mode."""


def shipped() -> tuple[str, ...]:
    """Return the names of the scenarios in the package."""
    folder = resources.files("mexc_tui.practice") / "scenarios"
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def load(name_or_path: str) -> Scenario:
    """Read a built-in scenario by name, or one from a file. Raises ScenarioError with the correction."""
    if name_or_path in shipped():
        text = (resources.files("mexc_tui.practice") / "scenarios" / f"{name_or_path}.toml").read_text(
            "utf-8"
        )
    else:
        try:
            text = Path(name_or_path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(shipped())
            raise ScenarioError(
                f"No scenario {name_or_path!r}: use {known} or the path of a TOML file."
            ) from error
    return parse(text, name_or_path)


def parse(text: str, origin: str) -> Scenario:
    """Read a scenario from TOML text; `origin` names it in errors."""
    try:
        return msgspec.convert(tomllib.loads(text), Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"Scenario {origin!r}: {error}") from error
