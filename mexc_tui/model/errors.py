"""Errors of this package. No text contains a key, a signature or a query string.

Every error of the package is in this tree, with its module unless that is this one or the one of its parent.
"(ValueError)" marks those that are a ValueError too.

* DeskError
  x CommandRefused
  x SettingsRefused
    x SettingsError                settings/load.py
  x ExchangeError
    x NothingSent
    x NoResponse
    x BadResponse
    x RequestRefused
    x IncompleteList               exchange/rest/paging.py
    x PracticeUnavailable          app/practice_status.py
  x WebUnavailable
  x StorageError                   model/storage.py
    x StorageRefused
    x StorageFull
    x StorageLocked
    x StorageConflict
    x StorageDeadline
    x StorageOverloaded
    x StorageClosed
    x StorageDamaged
    x StorageFailed
  x BadEvent (ValueError)          model/event.py
  x BadStreamMessage (ValueError)  model/stream.py
  x AmbiguousName (ValueError)     model/pair_names.py
  x BadPriceRule (ValueError)      market/price_rules.py
  x StaleOrder (ValueError)        ledger/booking.py
  x UnreadableSettings             settings/layers.py
  x BudgetRefused                  exchange/limits/budget.py
  x ClockOutOfBounds               exchange/limits/clock_offset.py
  x OriginRefused                  exchange/origins.py
  x UnreadableResponse             exchange/rest/connection.py
  x ConnectTimeout                 exchange/rest/connection.py
  x RetryDeadline                  exchange/rest/retry.py
  x SocketEnded                    exchange/streams/socket.py
    x ListenKeyRefused
  x ArmRefused                     engine/entries/arming.py
  x UnknownClientOrderId           engine/orders/execution.py
  x StartFailed                    engine/runtime/supervisor.py
  x WorkerFailure                  engine/runtime/supervisor.py
    x ClockUnknown                 engine/health.py
  x CredentialsError               host/keys/record.py
  x EngineRuns                     host/lock.py
  x PathsError                     host/paths.py
  x ServiceManagerError            host/systemd.py
  x OutputLost                     host/standard_streams.py
  x ChannelRefused                 notify/messages.py
  x DeliveryFailed                 notify/http.py
  x FrontEndError                  desk/api_types.py
    x NoEngine
    x ViewerRefused
    x EngineSilent
    x SocketInUse
    x ProtocolError                desk/wire.py
  x InvalidLine (ValueError)       tui/screens/forms.py
  x ThemeError                     tui/themes.py
  x StartError                     app/endpoints.py
  x UsageProblem                   app/launch_options.py
  x ReconcileFailed                app/offline_reconcile.py
  x ExportFailed                   export/parquet.py
  x CommandFailed                  cli/errors.py
  x ScenarioError                  practice/scenario.py
  x PracticeRefusal                practice/matching/values.py
  x NothingLeftToDo                simulation/loop.py
  x PlanUnreadable                 verification/plan_file.py
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mexc_tui.model.outcome import Refusal


class DeskError(Exception):
    """Root of every error of this package.

    Never raised itself. `except DeskError` catches every deliberate error of the package, and no error of
    Python or of a library.
    """


class CommandRefused(DeskError):
    """A command was refused and nothing was done.

    Raised by command handlers of the engine. Show the text, which names the next step.
    """


class SettingsRefused(DeskError):
    """Settings were refused and none of them is in force.

    Raised by the port of settings. Show the text, which names each mistake.
    """


class ExchangeError(DeskError):
    """A request without a usable response. The text names only method and path.

    Raised by the exchange's client; subclasses state whether the request may have taken effect.
    """

    def __init__(self, method: str, path: str, problem: str) -> None:
        super().__init__(f"{method} {path}: {problem}")
        self.method = method
        self.path = path
        self.problem = problem


class NothingSent(ExchangeError):
    """No byte of the request left this machine.

    Raised by the exchange's client. Sending again is safe.
    """


class NoResponse(ExchangeError):
    """The request was sent, and no complete response arrived.

    Raised by the exchange's client. Its effect is unknown: never resend an order, query its client order id.
    """


class BadResponse(ExchangeError):
    """A response does not match the endpoint's format; the text names the field.

    Raised by the exchange's client. Treat an order as unknown; repeat a data query.
    """


class RequestRefused(ExchangeError):
    """The exchange refused the request.

    Raised by the exchange's client. Follow `refusal.advice`.
    """

    def __init__(self, method: str, path: str, refusal: "Refusal") -> None:
        code = f"code {refusal.code}" if refusal.code is not None else f"HTTP {refusal.http_status}"
        super().__init__(method, path, f"{refusal.text} ({code}); {refusal.advice.value}.")
        self.refusal = refusal


class WebUnavailable(DeskError):
    """The web site's calendar or symbol list could not be read.

    Raised by the web calendar. It is optional: continue without it.
    """
