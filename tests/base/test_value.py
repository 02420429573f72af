"""Value objects compare, hash and show themselves as attrs' own would."""

import copy
import pickle

import attrs
import pytest

from livechat_customer_async import (
    AccessToken,
    FieldAnswer,
    GroupAnswer,
    Message,
    NewMessage,
    Timeouts,
    structure,
    structure_event,
)
from livechat_customer_async._base.value import Value


@attrs.frozen
class Generated:
    """What attrs itself generates, to compare with."""

    id: str
    secret: str = attrs.field(default="", repr=False)
    parts: tuple[int, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Shared(Value):
    """The same fields with the shared methods."""

    id: str
    secret: str = attrs.field(default="", repr=False)
    parts: tuple[int, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Heir(Shared):
    more: int = 0


def test_a_repr_is_that_of_attrs() -> None:
    shared, generated = Shared("a\n", "hidden", (1, 2)), Generated("a\n", "hidden", (1, 2))
    assert repr(shared) == repr(generated).replace("Generated", "Shared")
    assert repr(Heir("a", more=3)) == "Heir(id='a', parts=(), more=3)"


@pytest.mark.parametrize(
    "other, equal",
    [
        (Shared("a", "b", (1,)), True),
        (Shared("a", "x", (1,)), False),  # a field that is not shown counts
        (Shared("a", "b", (2,)), False),
        (Heir("a", "b", (1,)), False),
        (Generated("a", "b", (1,)), False),
        (None, False),
    ],
)
def test_equality_is_of_class_and_fields(other: object, equal: bool) -> None:
    value = Shared("a", "b", (1,))
    assert (value == other) is equal
    assert (value != other) is not equal
    if equal:
        assert hash(value) == hash(other)


def test_the_hash_is_of_class_and_fields() -> None:
    assert len({Shared("a"), Shared("a"), Shared("b"), Heir("a")}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(Shared("a", parts=[1]))  # type: ignore[arg-type]


def test_the_public_classes_are_values() -> None:
    message = NewMessage(text="hi")
    assert message == NewMessage(text="hi")
    assert message != NewMessage(text="ho")
    assert repr(FieldAnswer(id="1", label="x")) == "FieldAnswer(id='1', label='x')"
    assert FieldAnswer(id="1", label="x") != GroupAnswer(group_id=1, label="x")
    assert attrs.evolve(Timeouts(), total=3.0) == Timeouts(total=3.0)
    assert len({Timeouts(), Timeouts()}) == 1
    assert "tok" not in repr(AccessToken("dal:tok-secret"))
    assert Message.__hash__ is Value.__hash__


def test_what_was_decoded_is_frozen_and_of_its_very_class() -> None:
    data = {"id": "K1", "type": "message", "text": "hi", "author_id": "x", "order": 7}
    message = structure_event(data)
    assert type(message) is Message
    assert message == Message(id="K1", text="hi", author_id="x", order=7)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        message.text = "ho"  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del message.text
    for again in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert type(again) is Message
        assert again == message
    assert structure(data, Message) == message
