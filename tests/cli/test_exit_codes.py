import pytest
import typer

import livechat_customer_async as api
from livechat_customer_async import Outcome
from livechat_customer_async.cli._exit_codes import EXIT_CODES_HELP, ExitCode, exit_code, reporting
from tests.cli.conftest import only_line

CODES = [
    (api.ConfigurationError("x"), ExitCode.USAGE),
    (api.InvalidRequestError("x"), ExitCode.USAGE),
    (api.AuthenticationError("x", outcome=Outcome.REJECTED), ExitCode.DENIED),
    (api.AuthorizationError("x", outcome=Outcome.REJECTED), ExitCode.DENIED),
    (api.TokenProviderError("x"), ExitCode.DENIED),
    (api.ApiValidationError("x", outcome=Outcome.REJECTED), ExitCode.REJECTED),
    (api.GroupOfflineError("x", outcome=Outcome.REJECTED), ExitCode.REJECTED),
    (api.ApiError("x", outcome=Outcome.REJECTED), ExitCode.REJECTED),
    (api.InternalError("x", outcome=Outcome.UNKNOWN), ExitCode.UNKNOWN),
    (api.ResponseDecodeError("x", outcome=Outcome.UNKNOWN), ExitCode.UNKNOWN),
    (api.TransportError("x", outcome=Outcome.UNKNOWN), ExitCode.UNKNOWN),
    (api.TransportError("x", outcome=Outcome.NOT_SENT), ExitCode.NOT_SENT),
    (api.CallTimeoutError("x", outcome=Outcome.NOT_SENT), ExitCode.NOT_SENT),
]


@pytest.mark.parametrize("error, code", CODES, ids=lambda value: type(value).__name__)
def test_exit_code(error: api.LiveChatError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_the_help_lists_every_code() -> None:
    told = [line.partition(":")[0].strip() for line in EXIT_CODES_HELP.splitlines()[1:]]
    assert told == [str(code.value) for code in ExitCode]


@pytest.mark.parametrize(
    "error, code, said",
    [
        (api.InvalidRequestError("too\nlong", parameter="event.text"), ExitCode.USAGE, "event.text: too long"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
        (ImportError("the sandbox needs uvicorn", name="uvicorn"), ExitCode.USAGE, "the sandbox needs uvicorn"),
    ],
    ids=["call", "ctrl-c", "extra"],
)
def test_an_error_becomes_one_line_and_an_exit_code(
    error: BaseException, code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught, reporting():
        raise error
    assert caught.value.exit_code == code
    assert only_line(capsys.readouterr().err) == f"error: {said}"


@pytest.mark.parametrize("error", [ImportError("elsewhere", name="json"), ZeroDivisionError("a bug")])
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)), reporting():
        raise error
