"""What holds for any model, any JSON value and any Python object that goes through the converter."""

import json
import math
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import livechat_customer_async as sdk
from livechat_customer_async import DecodeError, InvalidRequestError, structure, structure_event, unstructure
from livechat_customer_async._wire.converter import dumps, loads, structure_in_place
from livechat_customer_async._wire.reading import read
from tests.helpers import strategies

some_examples = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
TARGETS: list[Any] = [
    *strategies.MODELS,
    sdk.Event,
    sdk.User,
    tuple[sdk.Chat, ...],
    dict[int, str],
    dict[str, sdk.LastEvent],
    list[int],
    float,
]


def named(value: Any) -> str:
    return getattr(value, "__name__", str(value).replace("livechat_customer_async.models.", ""))[:40]


def test_there_is_a_strategy_for_every_public_model() -> None:
    public = {getattr(sdk, name) for name in sdk.__all__}
    models = {cls for cls in public if attrs.has(cls) and ".models." in cls.__module__}
    assert models == set(strategies.MODELS)


@pytest.mark.parametrize("cls", strategies.MODELS, ids=named)
@given(data=st.data())
@some_examples
def test_any_model_comes_back_from_json(cls: Any, data: st.DataObject) -> None:
    model = data.draw(strategies.MODELS[cls])
    wire = loads(dumps(unstructure(model)))
    assert structure(wire, cls) == model
    assert unstructure(structure(wire, cls)) == wire
    assert read(wire, cls, "$") == model
    assert same_in_place(wire, cls, model)


@given(strategies.events)
@some_examples
def test_any_event_comes_back_as_its_own_class(event: Any) -> None:
    read = structure_event(loads(dumps(unstructure(event))))
    assert (type(read), read) == (type(event), event)


def is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str for key in value) and all(map(is_json, value.values()))
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or type(value) in (str, int, bool)


@st.composite
def broken(draw: st.DrawFn, cls: Any) -> Any:
    """The wire's form of a model in which some value was replaced by any other."""
    wire = unstructure(draw(strategies.MODELS[cls]))
    holders = [wire]
    for holder in holders:
        parts = holder.values() if isinstance(holder, dict) else holder
        holders += [part for part in parts if isinstance(part, dict | list) and part]
    holder = draw(st.sampled_from(holders))
    if holder:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        holder[draw(st.sampled_from(keys))] = draw(strategies.json_values)
    return wire


def structured_or_refused(data: Any, target: Any) -> Any:
    try:
        return structure(data, target)
    except DecodeError as error:
        return error


def same_in_place(data: Any, target: Any, result: Any) -> bool:
    """Tell whether a copy of the data, taken apart, gives the same, or is refused, for `structure` to see to it."""
    try:
        return bool(structure_in_place(json.loads(json.dumps(data)), target) == result)
    except DecodeError:
        return True


@pytest.mark.parametrize("target", TARGETS, ids=named)
@given(data=strategies.json_values)
@some_examples
def test_any_json_is_the_model_or_a_decode_error(target: Any, data: Any) -> None:
    result = structured_or_refused(data, target)
    if isinstance(result, DecodeError):
        assert result.path.startswith("$")
        assert result.message
    elif target in strategies.MODELS:
        assert type(result) is target
    assert same_in_place(data, target, result)


@pytest.mark.slow
@pytest.mark.parametrize("cls", strategies.MODELS, ids=named)
@given(data=st.data())
@some_examples
def test_a_model_with_any_value_in_it_is_the_model_or_a_decode_error(cls: Any, data: st.DataObject) -> None:
    wire = data.draw(broken(cls))
    before = json.dumps(wire)
    result = structured_or_refused(wire, cls)
    if isinstance(result, DecodeError):
        assert result.path.startswith("$")
    else:
        assert type(result) is cls
        assert is_json(unstructure(result))
    assert json.dumps(wire) == before
    assert same_in_place(wire, cls, result)


def plain_or_refused(value: Any) -> Any:
    try:
        return unstructure(value)
    except InvalidRequestError as error:
        return error


@given(strategies.python_values)
def test_any_python_object_is_plain_json_or_refused(value: Any) -> None:
    result = plain_or_refused(value)
    if not isinstance(result, InvalidRequestError):
        assert is_json(result)
        assert json.loads(dumps(result)) == result


@pytest.mark.slow
@pytest.mark.parametrize("cls", strategies.MODELS, ids=named)
@given(data=st.data())
@some_examples
def test_a_model_that_holds_any_object_is_plain_json_or_refused(cls: Any, data: st.DataObject) -> None:
    model = data.draw(strategies.MODELS[cls])
    name = data.draw(st.sampled_from([field.name for field in attrs.fields(cls)]))
    value = data.draw(strategies.python_values)
    try:
        result = unstructure(attrs.evolve(model, **{name: value}))
    except InvalidRequestError as error:
        result = error
    if isinstance(result, InvalidRequestError):
        assert result.parameter is not None
        assert result.parameter.startswith(name)
    else:
        assert is_json(result)
