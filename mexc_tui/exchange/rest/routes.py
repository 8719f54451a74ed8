"""REST endpoints in use, with their request weights (protocol 3.2, newest column)."""

from dataclasses import dataclass
from enum import Enum

from mexc_tui.exchange.limits.rate_windows import LaneName


class RouteGroup(Enum):
    """Endpoint group with a common circuit breaker."""

    MARKET = "market data"
    ORDERS = "orders"
    ACCOUNT = "account"
    LISTEN_KEYS = "listen keys"
    TIME = "exchange time"


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `is_order`: it counts toward the 12 a second shared by placing and cancelling."""

    method: str
    path: str
    weight: int
    group: RouteGroup
    signed: bool = True
    is_order: bool = False
    lanes: tuple[LaneName, ...] = ()


def _public(path: str, weight: int, lanes: tuple[LaneName, ...] = ()) -> Route:
    return Route("GET", f"/api/v3/{path}", weight, RouteGroup.MARKET, signed=False, lanes=lanes)


def _account(method: str, path: str, weight: int, *, lanes: tuple[LaneName, ...] = ()) -> Route:
    return Route(method, f"/api/v3/{path}", weight, RouteGroup.ACCOUNT, lanes=lanes)


def _order(method: str, path: str) -> Route:
    return Route(method, f"/api/v3/{path}", 1, RouteGroup.ORDERS, is_order=True)


def _question(path: str, weight: int) -> Route:
    return Route("GET", f"/api/v3/{path}", weight, RouteGroup.ORDERS)


def _listen_key(method: str) -> Route:
    return Route(method, "/api/v3/userDataStream", 1, RouteGroup.LISTEN_KEYS)


PING = _public("ping", 1)
TIME = Route("GET", "/api/v3/time", 1, RouteGroup.TIME, signed=False)
DEFAULT_SYMBOLS = _public("defaultSymbols", 1)
EXCHANGE_INFO = _public("exchangeInfo", 25)
ANNOUNCEMENTS = _public("announcements", 8, (LaneName.ANNOUNCEMENTS,))
DEPTH = _public("depth", 3)
TRADES = _public("trades", 5)
KLINES = _public("klines", 1)
AVG_PRICE = _public("avgPrice", 1)
TICKER_24H = _public("ticker/24hr", 25)
TICKER_PRICE = _public("ticker/price", 10)

# The order limit applies to these. The weight of 1 is from older documentation, kept to be safe.
PLACE_ORDER = _order("POST", "order")
CANCEL_ORDER = _order("DELETE", "order")
CANCEL_OPEN_ORDERS = _order("DELETE", "openOrders")
TEST_ORDER = Route("POST", "/api/v3/order/test", 1, RouteGroup.ORDERS)
QUERY_ORDER = _question("order", 2)
OPEN_ORDERS = _question("openOrders", 3)
ALL_ORDERS = _question("allOrders", 10)
MY_TRADES = _question("myTrades", 10)

ACCOUNT = _account("GET", "account", 10, lanes=(LaneName.ACCOUNT,))
SELF_SYMBOLS = _account("GET", "selfSymbols", 1)
KEY_INFO = _account("GET", "apiKeyInfo", 1)
TRADE_FEE = _account("GET", "tradeFee", 20)
CONVERT_DUST = _account("POST", "capital/convert", 10)
DUST_LIST = _account("GET", "capital/convert/list", 1)
WITHDRAW_HISTORY = _account("GET", "capital/withdraw/history", 1)
CANCEL_WITHDRAW = _account("DELETE", "capital/withdraw", 1)

NEW_LISTEN_KEY = _listen_key("POST")
LISTEN_KEYS = _listen_key("GET")
EXTEND_LISTEN_KEY = _listen_key("PUT")
CLOSE_LISTEN_KEY = _listen_key("DELETE")
