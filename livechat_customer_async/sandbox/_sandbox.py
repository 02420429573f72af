"""The sandbox's public face."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from starlette.types import ASGIApp

from ._actions import ACTIONS
from ._agent import AgentScript, say
from ._answers import AnswerShapes
from ._app import build_app
from ._engine import Engine, Sleep
from ._faults import Fault, FaultQueue
from ._records import RecordedRequest, Recorder
from ._state import AgentProfile, Chat, Customer, Event, Group, SentPostback, SneakPeek, StoredFile
from ._world import World


class Sandbox:
    """A stateful server of the LiveChat Customer Chat Web API v3.0, in memory.

    It answers every action with the wire's shapes, enforces the documented rules, and shows afterwards what it saw.
    Serve it on a socket with `serve` or `run`, or hand `app` to any ASGI client, such as `httpx.ASGITransport`.

    Args:
        license_id: The only license there is; others are answered with `license_not_found`. `None`: any.
        region: The data centre where requests without `X-Region` arrive: `dal` or `fra`. A customer lives where
            the beginning of their token says, else in `dal`; from elsewhere they get `misdirected_request`.
            `None`: every request finds its customer.
        tokens: The tokens there are. `None`: any well-formed token makes a customer at its first use.
        groups: The groups by id. `None`: group 0, online. Without group 0 no chat starts by default.
        agent: A callable that hears what customers send and returns what the agent says, such as
            `friendly_agent`. `None`: the agent keeps silent; see `say`.
        agent_profile: Who the agent is.
        shapes: Which of the wire's shapes to answer with.
        faults: What goes wrong from the start; see `faults`.
        clock: Gives the time in Unix seconds.
        rng: Makes the ids. With a seeded one they are the same in each run.
        sleep: Waits so many seconds where a fault delays something.
        keep_file_bytes: Whether uploaded files are kept whole and can be downloaded, or only their size and hash.
        record_limit: How many of the last requests are kept.
    """

    def __init__(
        self,
        *,
        license_id: int | None = None,
        region: str | None = "dal",
        tokens: Iterable[str] | None = None,
        groups: Mapping[int, Group] | None = None,
        agent: AgentScript | None = None,
        agent_profile: AgentProfile | None = None,
        shapes: AnswerShapes | None = None,
        faults: Iterable[Fault] = (),
        clock: Callable[[], float] = time.time,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
        keep_file_bytes: bool = True,
        record_limit: int = 10_000,
    ) -> None:
        world = World(
            clock=clock,
            rng=rng or Random(),  # noqa: S311 - ids of a sandbox are no secrets
            tokens=tokens,
            groups=groups,
            agent=agent_profile,
            keep_file_bytes=keep_file_bytes,
        )
        self._world = world
        self._engine = Engine(
            world=world,
            shapes=shapes or AnswerShapes(),
            license_id=license_id,
            region=region,
            script=agent,
            faults=FaultQueue(faults, actions=ACTIONS),
            recorder=Recorder(record_limit),
            sleep=sleep,
        )
        self.app: ASGIApp = build_app(self._engine)
        """The ASGI application."""

    def __repr__(self) -> str:
        seen = self._engine.recorder.arrived.total()
        return f"<Sandbox: {len(self.customers)} customers, {len(self.chats)} chats, {seen} requests>"

    # What goes wrong and how it is answered.

    @property
    def faults(self) -> FaultQueue:
        """The faults in wait: `sandbox.faults.add(Fault(…))`."""
        return self._engine.faults

    @property
    def shapes(self) -> AnswerShapes:
        """Which of the wire's shapes are answered with; may be set at any time."""
        return self._engine.shapes

    @shapes.setter
    def shapes(self, shapes: AnswerShapes) -> None:
        self._engine.shapes = shapes

    @property
    def agent(self) -> AgentScript | None:
        """What replies to customers; may be set at any time."""
        return self._engine.script

    @agent.setter
    def agent(self, script: AgentScript | None) -> None:
        self._engine.script = script

    # What was seen.

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last requests, oldest first, those included that were never performed or answered."""
        return list(self._engine.recorder.requests)

    @property
    def arrived(self) -> Counter[str]:
        """How many requests arrived, by action."""
        return self._engine.recorder.arrived

    @property
    def performed(self) -> Counter[str]:
        """How many times each action was performed: not refused, whatever became of the answer."""
        return self._engine.recorder.performed

    @property
    def unread_requests(self) -> int:
        """How many requests came over a connection that a fault closed at their arrival; nothing else is known."""
        return self._engine.recorder.unread

    def forget_requests(self) -> None:
        """Start recording and counting anew. The state stays."""
        self._engine.recorder.clear()

    # Customers and their tokens.

    @property
    def customers(self) -> Mapping[str, Customer]:
        """The customers by id."""
        return self._world.customers.by_id

    def customer(self, token: str) -> Customer:
        """The customer of a token, made if there is none; to look at, and to change (`region`, `online`, `banned`)."""
        return self._world.customers.of(token)

    def issue_token(self, token: str, customer: Customer) -> None:
        """Make `token` a good token of that customer, also one that was expired or revoked before."""
        self._world.customers.issue(token, customer)

    def expire_token(self, token: str) -> None:
        """Answer the token with `authentication`, as expired."""
        self._world.customers.refuse(token, "expired")

    def revoke_token(self, token: str) -> None:
        """Answer the token with `authentication`, as revoked."""
        self._world.customers.refuse(token, "revoked")

    # The rest of the state; all of it may be looked at and changed.

    @property
    def chats(self) -> dict[str, Chat]:
        """The chats by id."""
        return self._world.chats

    @property
    def groups(self) -> dict[int, Group]:
        """The groups by id."""
        return self._world.groups

    @property
    def files(self) -> dict[str, StoredFile]:
        """The uploaded files by id, those included whose 24 hours are over."""
        return self._world.files.by_id

    @property
    def forms(self) -> dict[tuple[int, str], dict[str, Any]]:
        """The forms in the wire's shape, by group id and type; a missing one is disabled."""
        return self._world.forms

    @property
    def goals(self) -> dict[str, str]:
        """The goals: by name, the text that a page's URL contains to reach it. Reached ones: `Customer.goals`."""
        return self._world.goals

    @property
    def url_details(self) -> dict[str, dict[str, Any]]:
        """What `get_url_details` answers, by URL; for others it makes something up."""
        return self._world.url_details

    @property
    def sneak_peeks(self) -> list[SneakPeek]:
        """What customers were typing, oldest first."""
        return self._world.sneak_peeks

    @property
    def postbacks(self) -> list[SentPostback]:
        """The buttons that customers pressed, oldest first."""
        return self._world.postbacks

    def say(self, chat_id: str, event: str | Mapping[str, Any], *, author_id: str | None = None) -> Event:
        """Append an event to the chat's last thread, as the agent or as somebody else.

        Args:
            chat_id: The chat.
            event: A text, or an event of any type in the wire's shape.
            author_id: The author's id. `None`: the agent's, and none for a `system_message`.

        Raises:
            KeyError: There is no such chat.
            ValueError: The event has no type.
        """
        chat = self._world.chats[chat_id]
        given = {"type": "message", "text": event} if isinstance(event, str) else event
        if author_id is None and given.get("type") != "system_message":
            author_id = self._world.agent.id
        return say(self._world, chat, chat.threads[-1], given, author_id)

    async def _stop(self) -> None:
        """End what goes on after its request: performances still to come will not."""
        tasks = list(self._engine.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
