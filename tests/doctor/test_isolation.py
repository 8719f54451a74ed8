"""A failing check is one line of the result and stops no other check."""

import asyncio

from mexc_tui.doctor.check import Check, CheckStatus, ok
from mexc_tui.doctor.isolation import isolated, isolated_now
from mexc_tui.model.storage import StorageRefused

SECRET = "mx0-canary-secret"


def _raise(error: Exception) -> Check:
    raise error


def test_an_error_of_a_check_is_its_result() -> None:
    (deliberate,) = isolated_now("database", lambda: _raise(StorageRefused("Run: chmod 700 x")))
    assert (deliberate.status, deliberate.text) == (CheckStatus.FAIL, "Run: chmod 700 x")
    (system,) = isolated_now("files", lambda: _raise(PermissionError(13, "Permission denied", "/state")))
    assert system.text == "/state: Permission denied."
    assert isolated_now("fine", lambda: ok("fine", "yes")) == [ok("fine", "yes")]


def test_the_text_of_an_unexpected_error_is_not_shown() -> None:
    (found,) = isolated_now("files", lambda: _raise(ValueError(SECRET)))
    assert (found.name, found.status) == ("files", CheckStatus.FAIL)
    assert SECRET not in found.text + found.fix


async def test_a_check_that_never_ends_fails_at_its_deadline() -> None:
    async def forever() -> list[Check]:
        await asyncio.Event().wait()
        return []

    (found,) = await isolated("web", forever(), 0.01)
    assert (found.status, "No result" in found.text) == (CheckStatus.FAIL, True)
