"""Checks of what a caller gives: what passes, what is refused, and what the refusal names."""

import enum
import json
import math
from collections import OrderedDict, UserDict, UserList, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async import InvalidRequestError
from livechat_customer_async._base import checks

Check = Callable[..., Any]
SURROGATE = "\ud83d"


class Color(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 9


def refusal(check: Check, value: object, parameter: str | None = "p") -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        check(value, parameter)
    assert caught.value.__cause__ is None
    return caught.value


NAIVE = datetime(2020, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    "check, value",
    [
        (checks.check_str, ""),
        (checks.check_str, "żółć 👋"),
        (checks.check_str, Color.RED),
        (checks.check_id, "Q1"),
        (checks.check_int, 0),
        (checks.check_int, -(2**63)),
        (checks.check_int, 2**64 - 1),
        (checks.check_int, Size.BIG),
        (checks.check_bool, False),
        (checks.check_ids, ("a", "b")),
        (checks.check_ids, ()),
        (checks.check_ints, (0, -1)),
        (checks.check_sequence, deque([1])),
        (checks.check_datetime, datetime(2020, 1, 1, tzinfo=UTC)),
        (checks.at_least(0), 0),
        (checks.between(0, 100), 100),
        (checks.between(0, 100), 0),
        (checks.at_most_bytes(4), "abcd"),
        (checks.at_most_bytes(4), "👋"),
        (checks.check_str_map, {"a": ""}),
        (checks.check_properties, {"ns": {"s": "x", "i": 0, "b": False}, "empty": {}}),
        (checks.check_property_names, {"ns": ["a", "b"], "none": []}),
    ],
)
def test_what_passes_comes_back(check: Check, value: object) -> None:
    assert check(value, "p") == value


@pytest.mark.parametrize(
    "check, value, message",
    [
        (checks.check_str, None, "expected a str, got None"),
        (checks.check_str, b"x", "expected a str, got bytes"),
        (checks.check_str, 5, "expected a str, got int"),
        (checks.check_str, SURROGATE, "a lone surrogate cannot be encoded as UTF-8"),
        (checks.check_id, "", "must not be empty"),
        (checks.check_id, None, "expected a str, got None"),
        (checks.check_id, SURROGATE, "a lone surrogate cannot be encoded as UTF-8"),
        (checks.check_int, True, "expected an int, got bool"),
        (checks.check_int, 1.0, "expected an int, got float"),
        (checks.check_int, "1", "expected an int, got str"),
        (checks.check_int, 2**64, "an int of 65 bits; the limit is 64"),
        (checks.check_int, -(2**63) - 1, "an int of 64 bits; the limit is 64"),
        (checks.check_bool, 0, "expected a bool, got int"),
        (checks.check_bool, "true", "expected a bool, got str"),
        (checks.check_bool, None, "expected a bool, got None"),
        (checks.check_datetime, 5, "expected an aware datetime, got int"),
        (checks.check_datetime, date(2020, 1, 1), "expected an aware datetime, got date"),
        (
            checks.check_datetime,
            NAIVE,
            "a naive datetime is ambiguous: add a tzinfo, such as UTC",
        ),
        (checks.check_sequence, "abc", "expected a list or tuple, got str"),
        (checks.check_sequence, b"abc", "expected a list or tuple, got bytes"),
        (checks.check_sequence, bytearray(b"abc"), "expected a list or tuple, got bytearray"),
        (checks.check_sequence, memoryview(b"abc"), "expected a list or tuple, got memoryview"),
        (checks.check_sequence, {1}, "expected a list or tuple, got set"),
        (checks.check_sequence, {"a": 1}, "expected a list or tuple, got dict"),
        (checks.check_sequence, iter([]), "expected a list or tuple, got list_iterator"),
        (checks.check_sequence, None, "expected a list or tuple, got None"),
        (checks.between(0, 100), 101, "101 is outside the limit of 0..100"),
        (checks.between(0, 100), -1, "-1 is outside the limit of 0..100"),
        (checks.between(0, 100), True, "expected an int, got bool"),
        (checks.at_most_bytes(4), "abcde", "5 bytes of UTF-8; the limit is 4"),
        (checks.at_most_bytes(4), "👋!", "5 bytes of UTF-8; the limit is 4"),
        (checks.at_most_bytes(4), 5, "expected a str, got int"),
        (checks.check_mapping, [("a", 1)], "expected a mapping, got list"),
        (checks.check_mapping, {1: 2}, "expected keys of type str, got int"),
        (checks.check_mapping, {None: 2}, "expected keys of type str, got None"),
        (checks.check_mapping, {SURROGATE: 2}, "a lone surrogate cannot be encoded as UTF-8"),
        (checks.check_str_map, None, "expected a mapping, got None"),
        (checks.check_json, math.nan, "NaN is not valid JSON"),
        (checks.check_json, -math.inf, "-Infinity is not valid JSON"),
        (
            checks.check_json,
            {1},
            "expected a JSON value (str, int, float, bool, None, list, tuple or mapping), got set",
        ),
        (
            checks.check_json,
            b"x",
            "expected a JSON value (str, int, float, bool, None, list, tuple or mapping), got bytes",
        ),
        (checks.check_json, 2**64, "an int of 65 bits; the limit is 64"),
    ],
)
def test_what_is_refused(check: Check, value: object, message: str) -> None:
    error = refusal(check, value)
    assert (error.parameter, error.message) == ("p", message)
    assert refusal(check, value, None).parameter is None


@pytest.mark.parametrize(
    "check, value, parameter",
    [
        (checks.check_ids, ["a", ""], "p[1]"),
        (checks.check_ids, [None], "p[0]"),
        (checks.check_ints, [1, True], "p[1]"),
        (checks.check_str_map, {"a": {"b": 1}}, "p.a"),
        (checks.check_properties, {"ns": None}, "p.ns"),
        (checks.check_properties, {"ns": {"a": 1.5}}, "p.ns.a"),
        (checks.check_properties, {"ns": {"a": None}}, "p.ns.a"),
        (checks.check_properties, {"ns": {"a": {"value": 1}}}, "p.ns.a"),
        (checks.check_properties, {"ns": {"a": 2**64}}, "p.ns.a"),
        (checks.check_properties, {"ns": {"a": SURROGATE}}, "p.ns.a"),
        (checks.check_property_names, {"ns": "a"}, "p.ns"),
        (checks.check_property_names, {"ns": {"a": 1}}, "p.ns"),
        (checks.check_property_names, {"ns": ["a", ""]}, "p.ns[1]"),
        (checks.check_json, {"a": [{"b": math.nan}]}, "p.a[0].b"),
        (checks.check_json, [[object()]], "p[0][0]"),
        (checks.check_json, {"a": {2: 1}}, "p.a"),
    ],
)
def test_where_it_is(check: Check, value: object, parameter: str) -> None:
    assert refusal(check, value).parameter == parameter
    assert refusal(check, value, None).parameter == (parameter[1:].removeprefix(".") or None)


def test_no_refusal_shows_the_value() -> None:
    for check, value in [
        (checks.check_int, "s3cret"),
        (checks.check_properties, {"ns": {"a": b"s3cret"}}),
        (checks.check_ids, "s3cret"),
    ]:
        assert "s3cret" not in str(refusal(check, value))


@pytest.mark.parametrize(
    "moment, seconds",
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(2020, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC), 1_591_012_800),
        (datetime(2020, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))), 1_591_012_800),
        (datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), -1),
        (datetime.max.replace(tzinfo=UTC), 253_402_300_799),
    ],
)
def test_unix_seconds(moment: datetime, seconds: int) -> None:
    assert checks.unix_seconds(moment) == seconds


def test_mappings_and_sequences_of_any_class_become_plain() -> None:
    value = MappingProxyType({"m": UserDict({"k": (1, UserList([2]))}), "o": OrderedDict(a=range(2)), "d": deque("x")})
    plain = checks.check_json(value)
    assert plain == {"m": {"k": [1, [2]]}, "o": {"a": [0, 1]}, "d": ["x"]}
    assert type(plain["m"]) is type(plain["o"]) is dict
    assert type(plain["m"]["k"]) is list


@pytest.mark.parametrize("check", [checks.check_json, checks.check_str_map, checks.check_mapping])
def test_keys_of_an_enum_become_plain(check: Check) -> None:
    assert [type(key) for key in check({Color.RED: "x", "y": "z"})] == [str, str]


def test_keys_of_an_enum_in_properties_become_plain() -> None:
    ((namespace, names),) = checks.check_properties({Color.RED: {Color.RED: 1}}).items()
    assert (type(namespace), [type(name) for name in names]) == (str, [str])
    assert [type(key) for key in checks.check_property_names({Color.RED: ["a"]})] == [str]


def nested(levels: int, make: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = make(value)
    return value


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_depth_is_bounded(make: Callable[[Any], Any]) -> None:
    assert checks.check_json(nested(checks.MAX_DEPTH, make)) == nested(checks.MAX_DEPTH, make)
    assert "nested deeper than 200 levels" in refusal(checks.check_json, nested(checks.MAX_DEPTH + 1, make)).message


def test_a_value_that_holds_itself_is_refused() -> None:
    own: dict[str, Any] = {}
    own["own"] = [own]
    assert "nested deeper" in refusal(checks.check_json, own).message


def test_converters_make_tuples_of_sequences_only() -> None:
    assert checks.tuple_of([1, 2]) == (1, 2)
    assert checks.tuple_of(range(2)) == (0, 1)
    for other in ("ab", {1}, 5):
        same: Any = checks.tuple_of(other)  # type: ignore[arg-type]
        assert same is other
    assert checks.tuple_or_none(None) is None
    assert checks.tuple_or_none(["a"]) == ("a",)


def test_paths() -> None:
    assert (checks.below(None, "a"), checks.below("p", "a"), checks.below("", "a")) == ("a", "p.a", "a")


JSON_OR_NOT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text(st.characters(codec=None), max_size=3) | st.integers(), inner, max_size=4)
        | st.sets(st.integers(), max_size=2)
    ),
    max_leaves=12,
)


@given(JSON_OR_NOT)
def test_any_value_is_plain_json_or_refused(value: Any) -> None:
    try:
        plain = checks.check_json(value)
    except InvalidRequestError:
        return
    assert json.loads(json.dumps(plain, allow_nan=False).encode()) == json.loads(json.dumps(value))
