"""What a type annotation of a model is: the questions by which the converter's hooks are chosen."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

from ..models import (
    Agent,
    Annotation,
    Custom,
    Customer,
    FieldAnswer,
    File,
    FilledForm,
    GroupAnswer,
    Message,
    NewCustom,
    NewFile,
    NewFilledForm,
    NewMessage,
    NewRichMessage,
    NewSystemMessage,
    RichMessage,
    SystemMessage,
    UnknownEvent,
    UnknownUser,
)

Parts = list[tuple[str, Any, Any]]
"""The parts of a value: the path step to each, the part, and its type."""

KNOWN_EVENTS: dict[str, type] = {
    "message": Message,
    "file": File,
    "filled_form": FilledForm,
    "rich_message": RichMessage,
    "custom": Custom,
    "system_message": SystemMessage,
    "annotation": Annotation,
}
NEW_EVENTS: dict[str, type] = {
    "message": NewMessage,
    "file": NewFile,
    "filled_form": NewFilledForm,
    "rich_message": NewRichMessage,
    "custom": NewCustom,
    "system_message": NewSystemMessage,
}
KNOWN_USERS: dict[str, type] = {"customer": Customer, "agent": Agent}


def is_union(type_: Any) -> bool:
    """Tell whether a type is `A | B`."""
    return get_origin(type_) in (Union, types.UnionType)


def without_none(type_: Any) -> Any:
    """Return `X` of `X | None`, anything else as it is."""
    if is_union(type_):
        arms = [arm for arm in get_args(type_) if arm is not type(None)]
        if len(arms) == 1:
            return arms[0]
    return type_


def is_optional(type_: Any) -> bool:
    """Tell whether a type is `X | None` of a single `X`."""
    return without_none(type_) is not type_


def is_union_with(member: Any) -> Callable[[Any], bool]:
    """Ask whether a type is a union that holds a class."""
    return lambda type_: is_union(type_) and member in get_args(type_)


def is_marked(marker: str) -> Callable[[Any], bool]:
    """Ask whether a type is annotated with a marker."""
    return lambda type_: get_origin(type_) is Annotated and marker in type_.__metadata__


def is_a(*origins: Any) -> Callable[[Any], bool]:
    """Ask whether a type is generic over one of these, as `tuple[int, ...]` is over `tuple`."""
    return lambda type_: get_origin(type_) in origins


def is_exactly(*classes: Any) -> Callable[[Any], bool]:
    """Ask whether a type is one of these."""
    return lambda type_: any(type_ is cls for cls in classes)


is_event_union = is_union_with(UnknownEvent)
is_user_union = is_union_with(UnknownUser)
is_answer_union = is_union_with(GroupAnswer)
is_new_event_union = is_union_with(NewMessage)


def class_by_tag(data: dict[str, Any], type_: Any) -> Any:
    """Return the class of a union's member that the data itself names; `None` where the type is no such union."""
    if is_answer_union(type_):
        return GroupAnswer if "group_id" in data else FieldAnswer
    tag = data.get("type")
    if is_event_union(type_):
        return KNOWN_EVENTS.get(tag, UnknownEvent) if isinstance(tag, str) else UnknownEvent
    if is_user_union(type_):
        return KNOWN_USERS.get(tag, UnknownUser) if isinstance(tag, str) else UnknownUser
    if is_new_event_union(type_):
        return NEW_EVENTS.get(tag) if isinstance(tag, str) else None
    return None
