"""Options that `call` and `upload` share: whom to speak for, where to, how patiently."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias

import typer
from attrs import field, frozen
from rich.console import Console

from .. import (
    AsyncCustomerSession,
    AttemptEnd,
    CallRetry,
    ConfigurationError,
    Observer,
    RetryPolicy,
    Timeouts,
)
from ._terminal import milliseconds
from ._values import choice, seconds, whole_number

_WHO = "Credentials"
_HOW = "Network"

LicenseIdOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--license-id",
        envvar="LIVECHAT_LICENSE_ID",
        parser=whole_number(1),
        metavar="ID",
        help="The LiveChat license.",
        rich_help_panel=_WHO,
    ),
]
AccessTokenOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--access-token",
        envvar="LIVECHAT_ACCESS_TOKEN",
        metavar="TOKEN",
        help="The customer's access token. Other users may see it in the list of processes: better set the variable, "
        "or leave both out and type it when asked.",
        rich_help_panel=_WHO,
    ),
]
BaseUrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        envvar="LIVECHAT_BASE_URL",
        metavar="URL",
        help="Where the API is, if not at its public address.",
        rich_help_panel=_HOW,
    ),
]
RegionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--region",
        envvar="LIVECHAT_REGION",
        parser=choice("dal", "fra"),
        metavar="dal|fra",
        help="The data centre, if not the one that the token names.",
        rich_help_panel=_HOW,
    ),
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        parser=seconds,
        metavar="SECONDS",
        help="How long one call may take whole, retries included; by default 60, an upload 300.",
        rich_help_panel=_HOW,
    ),
]
NoRetryOption: TypeAlias = Annotated[
    bool, typer.Option("--no-retry", metavar="", help="Make one attempt only.", rich_help_panel=_HOW)
]
VerboseOption: TypeAlias = Annotated[
    bool,
    typer.Option("--verbose", "-v", metavar="", help="Tell each attempt on standard error.", rich_help_panel=_HOW),
]


@frozen(kw_only=True)
class Access:
    """The options, as they were given, and the context that knows where each came from."""

    context: typer.Context = field(repr=False)
    license_id: int | None
    access_token: str | None = field(repr=False)
    base_url: str | None
    region: str | None
    timeout: float | None
    no_retry: bool
    verbose: bool

    def session(self, console: Console, *observers: Observer) -> AsyncCustomerSession:
        """A session as the options say; asks for the token where there is none and somebody to ask.

        Args:
            console: Where to tell of attempts.
            observers: Who else hears of the calls.

        Raises:
            BadParameter: The session refuses an option or a variable.
            ConfigurationError: Something else is missing or not sound.
        """
        try:
            return self._session(console, observers)
        except ConfigurationError as error:
            raise self._naming_its_source(error) from None

    def _session(self, console: Console, observers: Sequence[Observer]) -> AsyncCustomerSession:
        if self.license_id is None:
            raise ConfigurationError("no license id: pass --license-id or set LIVECHAT_LICENSE_ID")
        make: Callable[..., AsyncCustomerSession] = AsyncCustomerSession
        if self.base_url is not None:
            make = partial(AsyncCustomerSession, base_url=self.base_url)
        return make(
            self.license_id,
            _ask_for_token() if self.access_token is None else self.access_token,
            region=self.region,
            timeouts=Timeouts() if self.timeout is None else Timeouts(total=self.timeout, upload_total=self.timeout),
            retry=RetryPolicy.none() if self.no_retry else RetryPolicy(),
            observers=[*observers, Narrator(console)] if self.verbose else observers,
        )

    def _naming_its_source(self, error: ConfigurationError) -> Exception:
        name, _, said = error.message.partition(": ")
        if name == "access_token" and self.access_token is None:
            return ConfigurationError(f"the access token that was typed is bad: {said}")
        params: list[Any] = self.context.command.params
        for param in params:
            if param.name == name:
                return typer.BadParameter(said, ctx=self.context, param=param)
        return error


def _ask_for_token() -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("no access token: set LIVECHAT_ACCESS_TOKEN or pass --access-token")
    token: str = typer.prompt("Access token", hide_input=True, err=True)
    return token.strip()


class Narrator(Observer):
    """Tells what calls go through."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """Tell how an attempt ended."""
        answer = event.status_code or "no answer"
        name = f" ({event.error})" if event.error else ""
        shown = f"{event.action}: attempt {event.attempt}: {answer}{name} in {milliseconds(event.elapsed)} ms"
        self._console.print(shown, style="dim", soft_wrap=True)

    def on_retry(self, event: CallRetry) -> None:
        """Tell that there will be another."""
        self._console.print(f"{event.action}: trying again in {event.after:.2f} s", style="dim", soft_wrap=True)
