"""Signed endpoints that no key of the practice exchange may use.

Sub-accounts, margin, rebates and brokers need other kinds of accounts: a signed call returns 700007.
"""

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute

_CLOSED = {
    "POST": (
        "apiKeyInfo",
        *("sub-account/virtualSubAccount", "sub-account/apiKey", "sub-account/futures", "sub-account/margin"),
        "capital/sub-account/universalTransfer",
        *("margin/tradeMode", "margin/order", "margin/loan", "margin/repay"),
        *("broker/sub-account/virtualSubAccount", "broker/sub-account/apiKey"),
        *("broker/sub-account/universalTransfer", "broker/sub-account/futures"),
        *("broker/capital/deposit/subAddress", "broker/capital/withdraw/apply"),
    ),
    "GET": (
        *("sub-account/list", "sub-account/apiKey", "sub-account/asset"),
        "capital/sub-account/universalTransfer",
        *("margin/loan", "margin/allOrders", "margin/myTrades", "margin/openOrders", "margin/order"),
        *("margin/maxTransferable", "margin/priceIndex", "margin/maxBorrowable", "margin/repay"),
        *("margin/isolated/account", "margin/isolated/pair", "margin/forceLiquidationRec"),
        *("margin/isolatedMarginData", "margin/isolatedMarginTier", "margin/trigerOrder"),
        *("rebate/taxQuery", "rebate/detail", "rebate/detail/kickback", "rebate/referCode"),
        *("rebate/affiliate/commission", "rebate/affiliate/withdraw", "rebate/affiliate/commission/detail"),
        *("rebate/affiliate/campaign", "rebate/affiliate/referral", "rebate/affiliate/subaffiliates"),
        "rebate/affiliate/list",
        *("broker/sub-account/universalTransfer", "broker/sub-account/list", "broker/sub-account/status"),
        *("broker/sub-account/apiKey", "broker/capital/deposit/subAddress", "broker/rebate/taxQuery"),
        *("broker/capital/deposit/subHisrec", "broker/capital/deposit/subHisrec/getall"),
    ),
    "DELETE": (*("sub-account/apiKey", "broker/sub-account/apiKey", "margin/order", "margin/openOrders"),),
}


def closed_routes() -> list[PracticeRoute]:
    """Return the endpoints that refuse every key."""
    return [
        PracticeRoute(method, f"/api/v3/{path}", _no_right, 1, AccessRules())
        for method, paths in _CLOSED.items()
        for path in paths
    ]


def _no_right(call: Call) -> Json:
    del call
    raise PracticeRefusal(700007, "No permission to access the endpoint")
