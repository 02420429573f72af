"""The options of every command that calls the API: credentials and network."""

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

import attrs
import typer
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
from ._parsers import choice, seconds, whole_number
from ._terminal import milliseconds

_CREDENTIALS: Final = "Credentials"
_NETWORK: Final = "Network"


@attrs.frozen(kw_only=True)
class SessionOptions:
    """The options as given. `with_session_options` adds them to a command."""

    context: typer.Context = attrs.field(repr=False)
    license_id: Annotated[
        int | None,
        typer.Option(
            envvar="LIVECHAT_LICENSE_ID",
            parser=whole_number(1),
            metavar="ID",
            help="LiveChat license ID.",
            rich_help_panel=_CREDENTIALS,
        ),
    ] = None
    access_token: Annotated[
        str | None,
        typer.Option(
            envvar="LIVECHAT_ACCESS_TOKEN",
            metavar="TOKEN",
            help="Access token of the customer. Other users can see it in the process list: prefer the environment "
            "variable, or omit both to be prompted.",
            rich_help_panel=_CREDENTIALS,
        ),
    ] = attrs.field(default=None, repr=False)
    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="LIVECHAT_BASE_URL",
            metavar="URL",
            help="Base URL of the API, if not the public one.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    region: Annotated[
        str | None,
        typer.Option(
            envvar="LIVECHAT_REGION",
            parser=choice("dal", "fra"),
            autocompletion=lambda: ["dal", "fra"],
            metavar="dal|fra",
            help="Data center, if not the one given by the token's prefix.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            parser=seconds,
            metavar="SECONDS",
            help="Time limit of each call, including retries. Default: 60, uploads 300.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    no_retry: Annotated[
        bool,
        typer.Option("--no-retry", metavar="", help="Do not retry failed attempts.", rich_help_panel=_NETWORK),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", metavar="", help="Log every attempt to standard error.", rich_help_panel=_NETWORK
        ),
    ] = False

    def session(self, console: Console, *observers: Observer, trust_env: bool = True) -> AsyncCustomerSession:
        """Return a session with these options. Prompts for a missing token if standard input is a terminal.

        Args:
            console: where `--verbose` logs attempts.
            observers: further observers of the session.
            trust_env: whether to use the proxies of the environment.

        Raises:
            BadParameter: an option or environment variable is invalid.
            ConfigurationError: credentials are missing, or the environment is invalid otherwise.
        """
        try:
            return self._session(console, observers, trust_env=trust_env)
        except ConfigurationError as error:
            raise self._with_source(error) from None

    def _session(self, console: Console, observers: Sequence[Observer], *, trust_env: bool) -> AsyncCustomerSession:
        if self.license_id is None:
            raise ConfigurationError("missing license ID: pass --license-id or set LIVECHAT_LICENSE_ID")
        create: Callable[..., AsyncCustomerSession] = AsyncCustomerSession
        if self.base_url is not None:
            create = partial(AsyncCustomerSession, base_url=self.base_url)
        return create(
            self.license_id,
            _prompt_for_token() if self.access_token is None else self.access_token,
            region=self.region,
            timeouts=Timeouts() if self.timeout is None else Timeouts(total=self.timeout, upload_total=self.timeout),
            retry=RetryPolicy.none() if self.no_retry else RetryPolicy(),
            observers=[*observers, AttemptLog(console)] if self.verbose else observers,
            trust_env=trust_env,
        )

    def _with_source(self, error: ConfigurationError) -> Exception:
        """Name the option or environment variable that the session refused."""
        name, _, problem = error.message.partition(": ")
        if name == "access_token" and self.access_token is None:
            return ConfigurationError(f"invalid access token entered at the prompt: {problem}")
        params: list[Any] = self.context.command.params
        for param in params:
            if param.name == name:
                return typer.BadParameter(problem, ctx=self.context, param=param)
        return error


def with_session_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the fields of `SessionOptions` to the options of a command, which receives them as its first argument."""
    shared = inspect.signature(SessionOptions, eval_str=True).parameters
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    def run(**given: Any) -> None:
        options = SessionOptions(**{name: given.pop(name) for name in shared})
        command(options, **given)

    merged = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared.values())]
    run.__signature__ = inspect.Signature(merged)  # type: ignore[attr-defined]  # typer reads it
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _prompt_for_token() -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError("missing access token: set LIVECHAT_ACCESS_TOKEN or pass --access-token")
    token: str = typer.prompt("Access token", hide_input=True, err=True)
    return token.strip()


class AttemptLog(Observer):
    """Prints the end of every attempt, and every retry."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """Print how an attempt ended."""
        status = event.status_code or "no answer"
        error = f" ({event.error})" if event.error else ""
        line = f"{event.action}: attempt {event.attempt}: {status}{error} in {milliseconds(event.elapsed)} ms"
        self._console.print(line, style="dim", soft_wrap=True)

    def on_retry(self, event: CallRetry) -> None:
        """Print that another attempt follows."""
        self._console.print(f"{event.action}: retrying in {event.after:.2f} s", style="dim", soft_wrap=True)
