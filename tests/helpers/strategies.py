"""Hypothesis strategies for every public model, JSON values, and objects that are not valid JSON."""

from __future__ import annotations

import math
from collections import UserDict, deque
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

import livechat_customer_async as sdk

texts = st.text(max_size=6)
ids = st.text(min_size=1, max_size=6)
ints = st.integers(-(2**63), 2**63 - 1)
moments = st.integers(0, 253_402_300_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)) | st.integers(
    0, 2_000_000_000
).map(lambda seconds: datetime.fromtimestamp(seconds, UTC).replace(microsecond=210_000))
scalars = st.none() | st.booleans() | ints | st.floats(allow_nan=False, allow_infinity=False) | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
# A value that looks wrapped, and a property called `value`, are what a careless reader would mistake.
odd = st.sampled_from([{"value": 1}, {"value": {"value": None}}, {"value": 1, "x": 2}, {}, {"x": 1}])
names = texts | st.just("value")
properties = st.dictionaries(names, st.dictionaries(names, json_values | odd, max_size=3), max_size=2)
sent_properties = st.dictionaries(names, st.dictionaries(names, texts | ints | st.booleans(), max_size=3), max_size=2)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def some(strategy: st.SearchStrategy[Any], most: int = 3, least: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(strategy, min_size=least, max_size=most)


def built(cls: Any, required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of objects with some or none of what is optional."""
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: cls(**fields))


def parts(part: Any) -> dict[str, Any]:
    """Return strategies of the parts of events; `part` makes what a caller must give, and the server may leave out."""
    postbacks = st.builds(
        lambda pair, **own: sdk.MessagePostback(**own, **pair),
        st.fixed_dictionaries({"type": texts, "value": texts}) | st.just({}),
        id=part(ids),
        thread_id=part(ids),
        event_id=part(ids),
    )
    field_answers = st.builds(sdk.FieldAnswer, id=part(texts), label=part(texts))
    group_answers = built(sdk.GroupAnswer, {"group_id": ints, "label": part(texts)}, {"id": maybe(texts | ints)})
    filled_fields = built(
        sdk.FilledField,
        {"type": part(texts), "id": part(ids), "label": part(texts)},
        {
            "answer": scalars | field_answers | group_answers,
            "answers": maybe(some(field_answers)),
            "value": maybe(texts),
            "options": maybe(some(json_objects).map(tuple)),
        },
    )
    images = built(
        sdk.RichImage,
        {"url": part(texts)},
        {
            "name": maybe(texts),
            "content_type": maybe(texts),
            "size": maybe(ints),
            "width": maybe(ints),
            "height": maybe(ints),
        },
    )
    buttons = built(
        sdk.RichButton,
        {"text": part(texts), "postback_id": part(ids)},
        {"user_ids": some(texts)} | dict.fromkeys(("type", "value", "webview_height", "role", "target"), maybe(texts)),
    )
    elements = built(
        sdk.RichElement,
        {},
        {"title": maybe(texts), "subtitle": maybe(texts), "image": maybe(images), "buttons": maybe(some(buttons))},
    )
    return {
        "postback": postbacks,
        "field_answer": field_answers,
        "group_answer": group_answers,
        "field": filled_fields,
        "image": images,
        "button": buttons,
        "element": elements,
    }


RECEIVED_PARTS, COMPOSED_PARTS = parts(maybe), parts(lambda part: part)


common: dict[str, Any] = {
    "id": texts,
    "order": maybe(ints),
    "timestamp": maybe(moments),
    "author_id": maybe(texts),
    "custom_id": maybe(texts),
    "recipients": maybe(texts),
    "properties": properties,
}
unknown_types = st.none() | texts.filter(lambda type_: type_ not in ("customer", "agent", "message", "file", "custom"))
facts = {name: maybe(texts) for name in ("id", "author_id", "custom_id", "recipients")}


def _unknown_event(rest: dict[str, Any], order: int | None, type_: str | None, own: dict[str, Any]) -> sdk.UnknownEvent:
    # An object without id and type may stand for an event that the customer may not see.
    known = {**own, "order": order, "type": type_}
    return sdk.UnknownEvent(**known, raw={"some": "thing", **rest, **dict.fromkeys(COMMON_KEYS), **known})


COMMON_KEYS = ("timestamp", "properties")


def _unknown_user(rest: dict[str, Any], **own: Any) -> sdk.UnknownUser:
    return sdk.UnknownUser(**own, raw={**rest, **own})


MODELS: dict[Any, st.SearchStrategy[Any]] = {
    sdk.Message: st.builds(sdk.Message, **common, text=texts, postback=maybe(RECEIVED_PARTS["postback"])),
    sdk.File: st.builds(
        sdk.File,
        **common,
        url=texts,
        name=maybe(texts),
        content_type=maybe(texts),
        size=maybe(ints),
        width=maybe(ints),
        height=maybe(ints),
        thumbnail_url=maybe(texts),
        thumbnail2x_url=maybe(texts),
    ),
    sdk.FilledForm: st.builds(
        sdk.FilledForm, **common, form_id=maybe(texts), fields=some(RECEIVED_PARTS["field"]).map(tuple)
    ),
    sdk.RichMessage: st.builds(
        sdk.RichMessage, **common, template_id=texts, elements=some(RECEIVED_PARTS["element"]).map(tuple)
    ),
    sdk.Custom: st.builds(sdk.Custom, **common, content=maybe(json_objects)),
    sdk.SystemMessage: st.builds(
        sdk.SystemMessage,
        **common,
        text=maybe(texts),
        system_message_type=texts,
        text_vars=st.dictionaries(texts, json_values, max_size=2),
    ),
    sdk.Annotation: st.builds(sdk.Annotation, **common, annotation_type=texts, text=maybe(texts)),
    sdk.UnknownEvent: st.builds(
        _unknown_event, json_objects, maybe(ints), unknown_types, st.fixed_dictionaries({}, optional=facts)
    ),
    sdk.Customer: st.builds(
        sdk.Customer,
        id=texts,
        name=maybe(texts),
        email=maybe(texts),
        avatar=maybe(texts),
        fields=maybe(json_objects),
        present=maybe(st.booleans()),
        last_seen_timestamp=maybe(moments),
    ),
    sdk.Agent: st.builds(
        sdk.Agent,
        id=texts,
        name=maybe(texts),
        email=maybe(texts),
        avatar=maybe(texts),
        job_title=maybe(texts),
        is_bot=maybe(st.booleans()),
        present=maybe(st.booleans()),
        last_seen_timestamp=maybe(moments),
    ),
    sdk.UnknownUser: st.builds(_unknown_user, json_objects, id=maybe(texts), type=unknown_types, name=maybe(texts)),
    sdk.MessagePostback: RECEIVED_PARTS["postback"],
    sdk.FieldAnswer: RECEIVED_PARTS["field_answer"],
    sdk.GroupAnswer: RECEIVED_PARTS["group_answer"],
    sdk.FilledField: RECEIVED_PARTS["field"],
    sdk.RichImage: RECEIVED_PARTS["image"],
    sdk.RichButton: RECEIVED_PARTS["button"],
    sdk.RichElement: RECEIVED_PARTS["element"],
    sdk.Access: st.builds(sdk.Access, group_ids=some(ints)),
    sdk.ThreadSummary: st.builds(
        sdk.ThreadSummary, id=texts, order=maybe(ints), total_events=maybe(ints), active=maybe(st.booleans())
    ),
    sdk.LastThreadSummary: st.builds(
        sdk.LastThreadSummary,
        id=texts,
        order=maybe(ints),
        timestamp=maybe(moments),
        user_ids=some(texts).map(tuple),
        properties=properties,
        tags=some(texts).map(tuple),
        active=maybe(st.booleans()),
    ),
    sdk.FormOption: st.builds(
        sdk.FormOption, label=maybe(texts), id=maybe(texts), group_id=maybe(ints), checked=maybe(st.booleans())
    ),
    sdk.UploadedFile: st.builds(sdk.UploadedFile, url=texts),
    sdk.UrlDetails: st.builds(
        sdk.UrlDetails,
        title=maybe(texts),
        description=maybe(texts),
        image_url=maybe(texts),
        image_width=maybe(ints),
        image_height=maybe(ints),
        url=maybe(texts),
    ),
}
KNOWN_EVENTS = (sdk.Message, sdk.File, sdk.FilledForm, sdk.RichMessage, sdk.Custom, sdk.SystemMessage, sdk.Annotation)
events = st.one_of([MODELS[cls] for cls in (*KNOWN_EVENTS, sdk.UnknownEvent)])
users = st.one_of([MODELS[cls] for cls in (sdk.Customer, sdk.Agent, sdk.UnknownUser)])
MODELS[sdk.Thread] = st.builds(
    sdk.Thread,
    id=texts,
    order=maybe(ints),
    timestamp=maybe(moments),
    active=maybe(st.booleans()),
    user_ids=some(texts).map(tuple),
    events=some(events),
    restricted_access=maybe(st.booleans()),
    properties=properties,
    access=maybe(MODELS[sdk.Access]),
    tags=some(texts).map(tuple),
)
MODELS[sdk.ThreadsSummary] = st.builds(
    sdk.ThreadsSummary, threads_summary=some(MODELS[sdk.ThreadSummary]).map(tuple), total_threads=ints
)
MODELS[sdk.Chat] = st.builds(
    sdk.Chat,
    id=texts,
    order=maybe(ints),
    users=some(users, 2).map(tuple),
    thread=maybe(MODELS[sdk.Thread]),
    threads=some(MODELS[sdk.Thread], 2).map(tuple),
    threads_summary=some(MODELS[sdk.ThreadSummary], 2).map(tuple),
    properties=properties,
    access=maybe(MODELS[sdk.Access]),
    is_followed=maybe(st.booleans()),
)
MODELS[sdk.LastEvent] = st.builds(
    sdk.LastEvent,
    thread_id=maybe(texts),
    thread_order=maybe(ints),
    event=maybe(events),
    restricted_access=maybe(st.booleans()),
)
MODELS[sdk.ChatSummary] = st.builds(
    sdk.ChatSummary,
    id=texts,
    order=maybe(ints),
    users=some(users, 2).map(tuple),
    last_thread_id=maybe(texts),
    last_thread_summary=maybe(MODELS[sdk.LastThreadSummary]),
    last_event_per_type=st.dictionaries(texts, MODELS[sdk.LastEvent], max_size=2),
    properties=properties,
    access=maybe(MODELS[sdk.Access]),
    is_followed=maybe(st.booleans()),
    active=maybe(st.booleans()),
)
MODELS[sdk.ChatsSummary] = st.builds(
    sdk.ChatsSummary, chats_summary=some(MODELS[sdk.ChatSummary], 2).map(tuple), total_chats=ints
)
MODELS[sdk.SentEvent] = st.builds(sdk.SentEvent, thread_id=texts, event=events)
MODELS[sdk.FormField] = st.builds(
    sdk.FormField,
    id=maybe(texts),
    type=maybe(texts),
    label=maybe(texts),
    required=maybe(st.booleans()),
    options=some(MODELS[sdk.FormOption]).map(tuple),
    comment_label=maybe(texts),
)
MODELS[sdk.Form] = st.builds(sdk.Form, id=maybe(texts), fields=some(MODELS[sdk.FormField]).map(tuple))
MODELS[sdk.FormResult] = st.builds(sdk.FormResult, enabled=st.booleans(), form=maybe(MODELS[sdk.Form]))

new: dict[str, Any] = {
    "custom_id": maybe(texts),
    "recipients": maybe(texts),
    "properties": maybe(sent_properties),
}
COMPOSED: dict[Any, st.SearchStrategy[Any]] = {
    sdk.NewMessage: st.builds(sdk.NewMessage, **new, text=texts, postback=maybe(COMPOSED_PARTS["postback"])),
    sdk.NewFile: st.builds(sdk.NewFile, **new, url=texts),
    sdk.NewFilledForm: st.builds(sdk.NewFilledForm, **new, form_id=ids, fields=some(COMPOSED_PARTS["field"])),
    sdk.NewRichMessage: st.builds(
        sdk.NewRichMessage, **new, template_id=ids, elements=maybe(some(COMPOSED_PARTS["element"]))
    ),
    sdk.NewCustom: st.builds(sdk.NewCustom, **new, content=maybe(json_objects)),
    sdk.NewSystemMessage: st.builds(
        sdk.NewSystemMessage,
        **new,
        text=texts,
        system_message_type=texts,
        text_vars=maybe(st.dictionaries(texts, texts, max_size=2)),
    ),
    sdk.Postback: st.builds(sdk.Postback, id=ids, toggled=st.booleans()),
}
raw_events = json_objects.filter(lambda event: "type" not in event)
new_events = st.one_of([COMPOSED[cls] for cls in COMPOSED if cls is not sdk.Postback]) | raw_events
COMPOSED[sdk.NewThread] = st.builds(sdk.NewThread, events=maybe(some(new_events)), properties=maybe(sent_properties))
MODELS |= COMPOSED

strange = st.sampled_from(
    [
        object(),
        object,
        len,
        b"bytes",
        bytearray(b"x"),
        memoryview(b"x"),
        {1},
        frozenset(),
        1j,
        Decimal(1),
        math.nan,
        math.inf,
        2**64,
        -(2**63) - 1,
        "\ud800",
        datetime(2020, 1, 1),  # noqa: DTZ001
        datetime(2020, 1, 1, tzinfo=UTC),
        sdk.Outcome.UNKNOWN,
        sdk.Replay.SAFE,
        sdk.Timeouts(),
        sdk.Access(group_ids=(1,)),
        sdk.NewMessage(text="x"),
        iter([]),
        range(3),
        deque([1]),
        UserDict({"a": 1}),
        {1: 2},
        {None: 1},
        {"\ud800": 1},
        ...,
    ]
)
python_values = st.recursive(
    scalars | strange,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
