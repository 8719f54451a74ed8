"""Pure evaluation of the status of a running engine."""

from mexc_tui.doctor.check import Check, fail, ok, warn
from mexc_tui.model.trading import TradingState
from mexc_tui.model.view import StatusRow


def check_engine(status: StatusRow) -> list[Check]:
    """Check the engine's trading state, workers, sources and pending settings."""
    return [_state(status), _workers(status), _sources(status), *_pending(status)]


def check_no_engine(reason: str, *, is_held: bool) -> Check:
    """Check why no engine responds. `is_held`: whether a process holds the profile's lock."""
    text = f"{reason[:1].upper()}{reason[1:]}."
    if is_held:
        return fail("engine", text, "mexc-tui stop; if that fails: mexc-tui kill --direct")
    return ok("engine", text)


def _state(status: StatusRow) -> Check:
    text = f"Process {status.pid}, {status.mode}, trading is {status.trading_state.value}"
    if status.trading_state is TradingState.ACTIVE:
        return ok("engine", f"{text}.")
    return warn("engine", f"{text}: {status.cause}", "Remove the cause, then: mexc-tui resume")


def _workers(status: StatusRow) -> Check:
    degraded = [worker for worker in status.workers if worker.is_degraded]
    if not degraded:
        return ok("workers", f"{len(status.workers)} workers run.")
    first = degraded[0]
    text = f"{len(degraded)} of {len(status.workers)} workers fail, first {first.name}: {first.last_error}"
    return fail("workers", text, "mexc-tui alerts")


def _sources(status: StatusRow) -> Check:
    failing = [source for source in status.sources if source.problem]
    if not failing:
        return ok("sources", f"{len(status.sources)} sources of listings are read.")
    first = failing[0]
    text = f"{len(failing)} of {len(status.sources)} sources fail, first {first.source}: {first.problem}"
    return warn("sources", text, "It is retried. If it lasts, check the network of this machine.")


def _pending(status: StatusRow) -> list[Check]:
    if not status.pending_settings:
        return []
    names = ", ".join(status.pending_settings)
    return [warn("settings", f"In force at the next start: {names}.", "Restart the engine.")]
