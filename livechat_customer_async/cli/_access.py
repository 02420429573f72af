"""Options that `call` and `upload` share: whom to speak for, where to, how patiently."""

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeAlias

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


class Region(StrEnum):
    """A data centre."""

    DAL = "dal"
    FRA = "fra"


_WHO = "Credentials"
_HOW = "Network"

LicenseIdOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--license-id", envvar="LIVECHAT_LICENSE_ID", metavar="ID", help="The LiveChat license.", rich_help_panel=_WHO
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
    Region | None,
    typer.Option(
        "--region",
        envvar="LIVECHAT_REGION",
        help="The data centre, if not the one that the token names.",
        rich_help_panel=_HOW,
    ),
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0.001,
        metavar="SECONDS",
        help="How long one call may take whole, retries included; by default 60, an upload 300.",
        rich_help_panel=_HOW,
    ),
]
NoRetryOption: TypeAlias = Annotated[
    bool, typer.Option("--no-retry", help="Make one attempt only.", rich_help_panel=_HOW)
]
VerboseOption: TypeAlias = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Tell each attempt on standard error.", rich_help_panel=_HOW),
]


@frozen(kw_only=True)
class Access:
    """The options, as they were given."""

    license_id: int | None
    access_token: str | None = field(repr=False)
    base_url: str | None
    region: Region | None
    timeout: float | None
    no_retry: bool
    verbose: bool

    def session(self, console: Console, *observers: Observer) -> AsyncCustomerSession:
        """A session as the options say; asks for the token where there is none and somebody to ask.

        Args:
            console: Where to tell of attempts.
            observers: Who else hears of the calls.

        Raises:
            ConfigurationError: Something is missing or not sound.
        """
        if self.license_id is None:
            raise ConfigurationError("no license id: pass --license-id or set LIVECHAT_LICENSE_ID")
        make: Callable[..., AsyncCustomerSession] = AsyncCustomerSession
        if self.base_url is not None:
            make = partial(AsyncCustomerSession, base_url=self.base_url)
        return make(
            self.license_id,
            _ask_for_token() if self.access_token is None else self.access_token,
            region=None if self.region is None else self.region.value,
            timeouts=Timeouts() if self.timeout is None else Timeouts(total=self.timeout, upload_total=self.timeout),
            retry=RetryPolicy.none() if self.no_retry else RetryPolicy(),
            observers=[*observers, Narrator(console)] if self.verbose else observers,
        )


def _ask_for_token() -> str:
    if not sys.stdin.isatty():
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
