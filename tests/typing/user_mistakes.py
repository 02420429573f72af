# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What a type checker must catch before the server does. To both, an ignore that ignores nothing is an error."""

from __future__ import annotations

from livechat_customer_async import (
    AsyncCustomerSession,
    Chat,
    Customer,
    Message,
    NewMessage,
    Thread,
    Timeouts,
    structure,
)


async def mistakes(session: AsyncCustomerSession, chat: Chat) -> None:
    AsyncCustomerSession("1520", "dal:x")  # type: ignore[arg-type]
    AsyncCustomerSession(1520, lambda: "dal:x")  # type: ignore[arg-type, return-value]
    AsyncCustomerSession(1520, "dal:x", None)  # type: ignore[call-arg, arg-type]
    AsyncCustomerSession.from_env(colour="red")  # type: ignore[call-arg]
    Timeouts(5)  # type: ignore[call-arg]
    Timeouts(total="5")  # type: ignore[arg-type]
    chat.id = "other"  # type: ignore[misc]
    chat.threads.append(Thread(id="t"))  # type: ignore[attr-defined]
    chat.thread.id  # type: ignore[union-attr]  # noqa: B018
    NewMessage("hello")  # type: ignore[call-arg]
    NewMessage(text=None)  # type: ignore[arg-type]
    await session.chats.get_chats_summary(0, 25)  # type: ignore[call-arg]
    await session.chats.get_chat_threads()  # type: ignore[call-arg]
    await session.chats.start_chat(users=[Customer(id="a")])  # type: ignore[arg-type]
    await session.chats.start_chat(properties={"ns": {"name": 1.5}})  # type: ignore[dict-item]
    await session.events.send_event("c", ["hello"])  # type: ignore[arg-type]
    await session.events.send_event("c", Message(id="e", text="received"))  # type: ignore[arg-type]
    await session.events.send_event("c", {}, on_unknown="retry")  # type: ignore[arg-type]
    await session.events.send_file("c", "receipt.pdf")  # type: ignore[arg-type]
    await session.other.get_form("0", "prechat")  # type: ignore[arg-type]
    await session.call("anything_new")  # type: ignore[call-arg]
    session.chats.close_thread("c")  # type: ignore[unused-coroutine]
    text: str = await session.chats.close_thread("c")  # type: ignore[func-returns-value, assignment]
    _ = (text, structure({}, Chat).title)  # type: ignore[attr-defined]
