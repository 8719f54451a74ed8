"""A front end for the load benchmark: `python -m benchmarks.load_viewer SOCKET`.

It follows every view and event until the connection ends or SIGTERM arrives, and prints one JSON line: the
numbers of its first and last event, and the places where the sequence broke.
"""

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.real_processes import DeskLink

VIEWS = ("status", "listings", "signals", "snipes", "orders", "positions", "risk")


class Ended(Exception):
    """SIGTERM arrived."""


def end(_number: int, _frame: FrameType | None) -> None:
    """End the loop."""
    raise Ended


def main() -> None:
    """Follow until the end, and report."""
    signal.signal(signal.SIGTERM, end)
    link = DeskLink(Path(sys.argv[1]), "load")
    first = last = link.head
    breaks = rows = 0
    try:
        link.send({"is": "follow", "after": link.head})
        for view in VIEWS:
            link.send({"is": "subscribe", "view": view})
        print("attached", flush=True)
        while True:
            message = link.receive()
            facts: list[list[Any]] = message.get("facts", [])
            for fact in facts:
                breaks += int(fact[0]) != last + 1
                last = int(fact[0])
            rows += len(message.get("rows", ()))
    except (Ended, OSError):
        pass
    print(json.dumps({"first": first, "last": last, "breaks": breaks, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
