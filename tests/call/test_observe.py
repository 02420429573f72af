"""Observers hear every event, harm nothing, and the log shows nothing but the events' own fields."""

import gc
import logging
from typing import Any

import attrs
import pytest

from livechat_customer_async import AttemptEnd, AttemptStart, CallEnd, CallQueued, CallRetry, Observer, Outcome
from livechat_customer_async._call.observe import Events

LOGGER = "livechat_customer_async"
EVENTS: dict[str, Any] = {
    "on_queued": CallQueued(call_id=1, action="a", queued=2),
    "on_attempt_start": AttemptStart(call_id=1, action="a", attempt=1),
    "on_attempt_end": AttemptEnd(
        call_id=1, action="a", attempt=1, elapsed=0.5, status_code=500, error="InternalError", outcome=Outcome.UNKNOWN
    ),
    "on_retry": CallRetry(call_id=1, action="a", attempt=1, after=0.25, reason="InternalError"),
    "on_call_end": CallEnd(call_id=1, action="a", attempts=2, elapsed=1.5, error_type="internal"),
}
LINES = {
    "on_queued": "queued call_id=1 action=a queued=2",
    "on_attempt_start": "attempt_start call_id=1 action=a attempt=1",
    "on_attempt_end": (
        "attempt_end call_id=1 action=a attempt=1 elapsed=0.5 status_code=500 error=InternalError outcome=UNKNOWN"
    ),
    "on_retry": "retry call_id=1 action=a attempt=1 after=0.25 reason=InternalError",
    "on_call_end": "call_end call_id=1 action=a attempts=2 elapsed=1.5 error_type=internal",
}
FIELDS = {
    CallQueued: {"call_id", "action", "queued"},
    AttemptStart: {"call_id", "action", "attempt", "base_url"},
    AttemptEnd: {"call_id", "action", "attempt", "elapsed", "status_code", "error", "outcome"},
    CallRetry: {"call_id", "action", "attempt", "after", "reason"},
    CallEnd: {"call_id", "action", "attempts", "elapsed", "status_code", "error", "error_type", "outcome"},
}


class Recorder(Observer):
    def __init__(self, journal: list[tuple[Any, str, Any]]) -> None:
        self.journal = journal

    def on_queued(self, event: CallQueued) -> None:
        self.journal.append((self, "on_queued", event))

    def on_attempt_start(self, event: AttemptStart) -> None:
        self.journal.append((self, "on_attempt_start", event))

    def on_attempt_end(self, event: AttemptEnd) -> None:
        self.journal.append((self, "on_attempt_end", event))

    def on_retry(self, event: CallRetry) -> None:
        self.journal.append((self, "on_retry", event))

    def on_call_end(self, event: CallEnd) -> None:
        self.journal.append((self, "on_call_end", event))


class Failing(Observer):
    def on_call_end(self, event: CallEnd) -> None:
        raise ZeroDivisionError("s3cret")

    def on_retry(self, event: CallRetry) -> None:
        raise LookupError("s3cret")


@pytest.mark.parametrize("method", EVENTS)
def test_every_observer_hears_every_event_in_order(method: str) -> None:
    journal: list[tuple[Any, str, Any]] = []
    one, other = Recorder(journal), Recorder(journal)
    Events([one, other]).emit(EVENTS[method])
    assert journal == [(one, method, EVENTS[method]), (other, method, EVENTS[method])]


@pytest.mark.parametrize("method", EVENTS)
def test_the_base_class_does_nothing(method: str) -> None:
    assert getattr(Observer(), method)(EVENTS[method]) is None


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_is_frozen_and_has_the_listed_fields_only(event: Any) -> None:
    assert {field.name for field in attrs.fields(type(event))} == FIELDS[type(event)]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.call_id = 5
    assert not hasattr(event, "__dict__")


def test_one_that_raises_is_logged_once_for_each_method(caplog: pytest.LogCaptureFixture) -> None:
    journal: list[tuple[Any, str, Any]] = []
    audience = Events([Failing(), Recorder(journal), Failing()])
    for _ in range(3):
        audience.emit(EVENTS["on_call_end"])
        audience.emit(EVENTS["on_retry"])
    assert len(journal) == 6
    said = [record.getMessage() for record in caplog.records]
    assert said == 2 * ["Failing.on_call_end raised ZeroDivisionError; further exceptions of it are not logged"] + 2 * [
        "Failing.on_retry raised LookupError; further exceptions of it are not logged"
    ]
    assert {(record.name, record.levelname) for record in caplog.records} == {(LOGGER, "WARNING")}
    assert not any("s3cret" in caplog.text or record.exc_info for record in caplog.records)


@pytest.mark.parametrize("cls", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_held_up(cls: type[BaseException]) -> None:
    class Ending(Observer):
        def on_retry(self, event: CallRetry) -> None:
            raise cls

    with pytest.raises(cls):
        Events([Ending()]).emit(EVENTS["on_retry"])


def test_an_audience_listens_where_somebody_hears(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        assert not Events([]).wanted
        assert Events([Observer()]).wanted
        Events([]).emit(EVENTS["on_retry"])
        assert caplog.records == []
    with caplog.at_level(logging.DEBUG, LOGGER):
        assert Events([]).wanted


@pytest.mark.parametrize("method", EVENTS)
def test_the_log_shows_the_fields_that_are_known(method: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, LOGGER):
        Events([]).emit(EVENTS[method])
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("DEBUG", LINES[method])


def test_an_observer_goes_with_its_audience() -> None:
    class Counted(Observer):
        alive = 0

        def __init__(self) -> None:
            Counted.alive += 1

        def __del__(self) -> None:
            Counted.alive -= 1

    audience: Events | None = Events([Counted()])
    assert (audience is not None, Counted.alive) == (True, 1)
    audience = None
    gc.collect()
    assert Counted.alive == 0
