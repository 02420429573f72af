import pytest

from livechat_customer_async.sandbox import Fault, FaultKind, FaultQueue, parse_fault


@pytest.mark.parametrize(
    "text, fault",
    [
        ("send_event:reset-after-performing:times=2", Fault("reset-after-performing", "send_event", times=2)),
        ("*:latency:seconds=0.5:times=always", Fault("latency", seconds=0.5, times=None)),
        (
            "start_chat:error:status=429:message=a: b=c:retry_after=Wed, 21 Oct 2015 07:28:00 GMT",
            Fault(
                "error",
                "start_chat",
                status=429,
                message="a: b=c",
                retry_after="Wed, 21 Oct 2015 07:28:00 GMT",
            ),
        ),
        (
            '*:error:type=misdirected_request:data={"region":"fra","x":{"y":1}}:perform=true',
            Fault("error", type="misdirected_request", data={"region": "fra", "x": {"y": 1}}, perform=True),
        ),
        ("*:error:bare=true:status=502", Fault("error", bare=True, status=502)),
        ("*:late-performance:hold=true", Fault("late-performance", hold=True)),
        ("*:wrong-content-length:delta=7", Fault("wrong-content-length", delta=7)),
        ("*:slow-drip:chunk=10", Fault("slow-drip", chunk=10)),
    ],
)
def test_a_fault_is_read_from_text(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "ACTION:KIND"),
        ("send_event", "ACTION:KIND"),
        ("Send Event:error", "ACTION:KIND"),
        ("*:explode", "unknown fault 'explode'"),
        ("*:error:color=red", "unknown option 'color'"),
        ("*:error:times=x", "not a valid value of times"),
        ("*:error:bare=yes", "not a valid value of bare"),
        ("*:error:data=[1]", "not a valid value of data"),
        ("*:error:data={", "not a valid value of data"),
        ("*:error:times=0", "`times` must be positive"),
        ("*:slow-drip:chunk=0", "`chunk` must be positive"),
        ("*:wrong-content-length:delta=0", "`delta` must not be 0"),
        ("*:latency:perform=false", "always performs"),
        ("*:reset-before-reading:perform=true", "never performs"),
    ],
)
def test_a_bad_fault_says_what_is_wrong(text, problem):
    with pytest.raises(ValueError, match=problem.replace("(", r"\(")):
        parse_fault(text)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="explode"):
        Fault("explode")


def test_faults_strike_in_order_and_the_given_number_of_times():
    first, always, other = Fault("error", "a", times=2), Fault("latency", "a", times=None), Fault("error", "b")
    queue = FaultQueue([first, always, other])
    assert len(queue) == 3
    assert [queue.take("a").fault for _ in range(4)] == [first, first, always, always]
    assert queue.take("c") is None
    armed = queue.add(Fault("garbage-body"))
    assert not armed.met.is_set()
    assert queue.take("c") is armed
    assert (armed.met.is_set(), armed.struck, armed.remaining) == (True, 1, 0)
    queue.clear()
    assert queue.take("b") is None


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_says_whether_it_performs(kind):
    assert Fault(kind).performs is (kind not in {"error", "stall-before-headers", "reset-before-reading"})
