"""Responses like the API's, of 1.3, 34 and 63 KB, identical on every run."""

import json
import random
from typing import Any

SEED = 20
_WORDS = (
    "order parcel invoice delivery Tuesday refund voucher basket colour size blue green address street payment card "
    "account login password email please thank you hello could would have not yet again the a my your is was it to for"
).split()

CHAT_ID = "PJ0MRSHTDG"
QUESTION = "Hello, where is my order 10042? It should have been here on Tuesday."


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize() + "."


def _event(chance: random.Random, index: int) -> dict[str, Any]:
    """Of twenty events seventeen are messages, and one each a file, a system message and a rich message.

    Every event has a property, wrapped, as those in the samples of the API's documents.
    """
    common = {
        "id": f"Q20N9CKRX2_{index + 1}",
        "order": 1_589_276_000_000_000 + index * 61_000_003,
        "timestamp": 1_589_276_000 + index * 61,
        "recipients": "all",
        "properties": {"0805e283233042b37f460ed8fbf22160": {"string_property": {"value": "string value"}}},
    }
    author = {"author_id": "b7eff798-f8df-4364-8059-649c35c9ed0c" if index % 2 else "agent.smith@example.com"}
    kind = index % 20
    if kind == 2:
        text = "Agent Smith has joined the chat"
        variables = {"text_vars": {"agent": "Smith", "targets": "visitor"}}
        return {
            **common,
            "type": "system_message",
            "system_message_type": "routing.assigned",
            "text": text,
            **variables,
        }
    if kind == 7:
        return {**common, **author, "type": "file", **_file(index)}
    if kind == 13:
        return {**common, **author, "type": "rich_message", "template_id": "cards", "elements": [_card(chance)]}
    text = _text(chance, chance.randint(3, 40)) + (" Zürich 🙂" if kind == 5 else "")
    return {**common, **author, "type": "message", "text": text}


def _file(index: int) -> dict[str, Any]:
    url = f"https://cdn.livechat-files.com/api/file/lc/att/1520/1f3fd17d3e1b/photo-{index}.png"
    thumbnails = {"thumbnail_url": url + "?thumb", "thumbnail2x_url": url + "?thumb2x"}
    size = {"size": 123_456, "width": 640, "height": 480}
    return {"name": f"photo-{index}.png", "url": url, "content_type": "image/png", **size, **thumbnails}


def _card(chance: random.Random) -> dict[str, Any]:
    buttons = [
        {"type": "message", "text": text, "postback_id": f"action_{text}", "value": text, "user_ids": []}
        for text in ("yes", "no")
    ]
    image = {"url": "https://example.com/parcel.png", "width": 300, "height": 200}
    return {"title": _text(chance, 3), "subtitle": _text(chance, 8), "image": image, "buttons": buttons}


def _users() -> list[dict[str, Any]]:
    customer = {
        "id": "b7eff798-f8df-4364-8059-649c35c9ed0c",
        "type": "customer",
        "name": "Thomas Anderson",
        "email": "t.anderson@example.com",
        "fields": {"plan": "gold", "last order": "10042"},
        "present": True,
        "last_seen_timestamp": 1_589_277_000,
    }
    agent = {
        "id": "agent.smith@example.com",
        "type": "agent",
        "name": "Agent Smith",
        "avatar": "cdn.livechatinc.com/avatars/1.png",
        "job_title": "Support",
        "present": True,
    }
    return [customer, agent]


def chat_threads(size: int) -> bytes:
    """Return the response of `get_chat_threads`: a chat of threads with 20 events each, at least `size` bytes long."""
    chance = random.Random(SEED)
    threads: list[dict[str, Any]] = []
    chat = {
        "id": CHAT_ID,
        "users": _users(),
        "properties": {"source": {"type": {"value": "web"}}, "routing": {"pinned": {"value": False}}},
        "access": {"group_ids": [0]},
        "threads": threads,
    }
    events = 0
    while len(encode({"chat": chat})) < size:
        if events % 20 == 0:
            threads.append(_thread(events // 20))
        threads[-1]["events"].append(_event(chance, events))
        events += 1
    return encode({"chat": chat})


def _thread(index: int) -> dict[str, Any]:
    return {
        "id": f"K600PKZ{index:03}",
        "order": 1_589_276_000_000_000 + index,
        "timestamp": 1_589_276_000 + index,
        "active": index == 0,
        "user_ids": ["b7eff798-f8df-4364-8059-649c35c9ed0c", "agent.smith@example.com"],
        "properties": {"routing": {"continuous": {"value": False}, "idle": {"value": False}}},
        "access": {"group_ids": [0]},
        "events": [],
    }


def sent_event() -> bytes:
    """Return the response of `send_event`, 1.3 KB: a long message."""
    event = {**_event(random.Random(SEED), 0), "custom_id": "8a0a5a1e-order-10042"}
    answer = {"thread_id": "K600PKZ001", "event": event}
    event["text"] = ""
    event["text"] = _text_of(random.Random(SEED), 1300 - len(encode(answer)))
    return encode(answer)


def _text_of(chance: random.Random, size: int) -> str:
    text = ""
    while len(text.encode()) < size:
        text += chance.choice(_WORDS) + " "
    return text.strip()


def encode(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


BODIES = {"1.3": sent_event, "34": lambda: chat_threads(34_000), "63": lambda: chat_threads(63_000)}
"""The function that builds each body, by its size in KB."""
