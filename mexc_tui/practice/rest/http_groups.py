"""Endpoints of strategy groups for self-trade prevention (protocol 4.6)."""

import msgspec

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules, KeyPermission
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute, wrapped

MAX_GROUPS = 10


class _Group(msgspec.Struct, rename="camel"):
    trade_group_name: str
    trade_group_id: int
    create_time: int
    update_time: int
    trade_group_uid: str = ""


class StrategyRoutes:
    """Self-trade prevention groups: stored and listed, at most ten (protocol 4.6)."""

    def __init__(self) -> None:
        self._groups: dict[int, _Group] = {}
        self._next_id = 1

    def routes(self) -> list[PracticeRoute]:
        """Return the endpoints of this module."""
        group, uid = "/api/v3/strategy/group", "/api/v3/strategy/group/uid"
        by_id = AccessRules(KeyPermission.ACCOUNT_WRITE, ("tradeGroupId",))
        members = AccessRules(KeyPermission.ACCOUNT_WRITE, ("uid", "tradeGroupId"))
        create = AccessRules(KeyPermission.ACCOUNT_WRITE, ("tradeGroupName",))
        return [
            PracticeRoute("POST", group, self._create, 20, create),
            PracticeRoute("GET", group, self._list, 20, AccessRules(KeyPermission.ACCOUNT_READ)),
            PracticeRoute("DELETE", group, self._delete, 20, by_id),
            PracticeRoute("GET", uid, self._list, 20, AccessRules(KeyPermission.ACCOUNT_READ)),
            PracticeRoute("POST", uid, self._add, 20, members),
            PracticeRoute("DELETE", uid, self._remove, 20, members),
        ]

    def _create(self, call: Call) -> Json:
        name = call.params.need("tradeGroupName")
        if len(self._groups) >= MAX_GROUPS or any(
            group.trade_group_name == name for group in self._groups.values()
        ):
            raise PracticeRefusal(26, "operation not allowed")
        group = _Group(name, self._next_id, call.now_ms, call.now_ms)
        self._groups[group.trade_group_id] = group
        self._next_id += 1
        return wrapped(_written(group), call.now_ms, 200)

    def _list(self, call: Call) -> Json:
        name = call.params.get("tradeGroupName")
        groups = [group for group in self._groups.values() if not name or group.trade_group_name == name]
        return wrapped([_written(group) for group in groups], call.now_ms, 200)

    def _delete(self, call: Call) -> Json:
        self._need(call)
        self._groups.pop(call.params.whole("tradeGroupId") or 0)
        return wrapped(data=True, now_ms=call.now_ms, code=200)

    def _add(self, call: Call) -> Json:
        group = self._need(call)
        group.trade_group_uid = call.params.need("uid")
        group.update_time = call.now_ms
        return wrapped(_written(group), call.now_ms, 200)

    def _remove(self, call: Call) -> Json:
        group = self._need(call)
        gone = call.params.need("uid").split(",")
        left = [uid for uid in group.trade_group_uid.split(",") if uid not in gone]
        group.trade_group_uid = ",".join(left)
        return wrapped(data=True, now_ms=call.now_ms, code=200)

    def _need(self, call: Call) -> _Group:
        group = self._groups.get(call.params.whole("tradeGroupId") or 0)
        if group is None:
            raise PracticeRefusal(22222, "record does not exist")
        return group


def _written(group: _Group) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(group))
