"""Which service manager and watchdog the environment names."""

import os

import pytest

from mexc_tui.host.service_manager import ServiceManager


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, None),
        ({"NOTIFY_SOCKET": "/run/notify"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_applies_to_this_process_only(environ: dict[str, str], watchdog_s: float | None) -> None:
    assert ServiceManager.of(environ).watchdog_s == watchdog_s


def test_without_a_service_manager_nothing_is_sent() -> None:
    ServiceManager().ready("the engine is running")
    ServiceManager().stopping("by a signal")
