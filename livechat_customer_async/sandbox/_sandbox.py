"""The class `Sandbox`."""

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

    It performs every action, enforces the documented rules, and records all requests. Serve it on a socket with
    `serve` or `run`, or pass `app` to an ASGI client such as `httpx.ASGITransport`.

    Args:
        license_id: The only valid license ID; others get `license_not_found`. `None`: any is valid.
        region: The data center that receives requests without `X-Region`: `dal` or `fra`. The prefix of a token
            gives the customer's own, `dal` by default; requests to the other get `misdirected_request`.
            `None`: every request reaches its customer.
        tokens: The valid tokens. `None`: any well-formed token creates a customer on first use.
        groups: The groups by ID. `None`: group 0, online. New chats go to group 0 by default.
        agent: A callable that replies to customers as the agent, such as `friendly_agent`. `None`: the agent
            does not reply by itself; see `say`.
        agent_profile: The agent's ID, name and other data.
        shapes: The shapes of answers.
        faults: Faults to arm from the start.
        clock: Returns the time in Unix seconds.
        rng: Generates IDs. Seed it for the same IDs in every run.
        sleep: Waits a number of seconds for faults that delay.
        keep_file_bytes: Whether to keep the content of uploaded files for download, besides their size and hash.
        record_limit: The number of most recent requests to keep.
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
            rng=rng or Random(),  # noqa: S311 - not a secret
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

    # Faults, shapes and replies.

    @property
    def faults(self) -> FaultQueue:
        """The armed faults. Arm one with `sandbox.faults.add(Fault(…))`."""
        return self._engine.faults

    @property
    def shapes(self) -> AnswerShapes:
        """The shapes of answers; may be set at any time."""
        return self._engine.shapes

    @shapes.setter
    def shapes(self, shapes: AnswerShapes) -> None:
        self._engine.shapes = shapes

    @property
    def agent(self) -> AgentScript | None:
        """The script that replies to customers; may be set at any time."""
        return self._engine.script

    @agent.setter
    def agent(self, script: AgentScript | None) -> None:
        self._engine.script = script

    @property
    def agent_profile(self) -> AgentProfile:
        """The agent's ID, name and other data."""
        return self._world.agent

    # Recorded requests.

    @property
    def requests(self) -> list[RecordedRequest]:
        """The most recent requests, oldest first, including those never performed or answered."""
        return list(self._engine.recorder.requests)

    @property
    def arrived(self) -> Counter[str]:
        """The number of requests received, by action."""
        return self._engine.recorder.arrived

    @property
    def performed(self) -> Counter[str]:
        """The number of times each action was performed, whether or not the answer arrived."""
        return self._engine.recorder.performed

    @property
    def unread_requests(self) -> int:
        """The number of requests whose connection a fault closed before they were read."""
        return self._engine.recorder.unread

    def forget_requests(self) -> None:
        """Delete the recorded requests and counts, but not the state."""
        self._engine.recorder.clear()

    # Customers and their tokens.

    @property
    def customers(self) -> Mapping[str, Customer]:
        """The customers by ID."""
        return self._world.customers.by_id

    def customer(self, token: str) -> Customer:
        """Return the customer of a token, created if unknown. Set `region`, `online` or `banned` to change it."""
        return self._world.customers.of(token)

    def issue_token(self, token: str, customer: Customer) -> None:
        """Make `token` a valid token of the customer, even if it was expired or revoked."""
        self._world.customers.issue(token, customer)

    def expire_token(self, token: str) -> None:
        """Refuse the token with `authentication` as expired."""
        self._world.customers.refuse(token, "expired")

    def revoke_token(self, token: str) -> None:
        """Refuse the token with `authentication` as revoked."""
        self._world.customers.refuse(token, "revoked")

    # The rest of the state. All of it may be modified.

    @property
    def chats(self) -> dict[str, Chat]:
        """The chats by ID."""
        return self._world.chats

    @property
    def groups(self) -> dict[int, Group]:
        """The groups by ID."""
        return self._world.groups

    @property
    def files(self) -> dict[str, StoredFile]:
        """The uploaded files by ID, including expired ones."""
        return self._world.files.by_id

    @property
    def forms(self) -> dict[tuple[int, str], dict[str, Any]]:
        """The forms as JSON data, by group ID and type. Others are disabled."""
        return self._world.forms

    @property
    def goals(self) -> dict[str, str]:
        """The goals: a page reaches a goal if its URL contains the text. See `Customer.goals` for the reached ones."""
        return self._world.goals

    @property
    def url_details(self) -> dict[str, dict[str, Any]]:
        """The results of `get_url_details`, by URL. Generated for others."""
        return self._world.url_details

    @property
    def sneak_peeks(self) -> list[SneakPeek]:
        """The sneak peeks of customers, oldest first."""
        return self._world.sneak_peeks

    @property
    def postbacks(self) -> list[SentPostback]:
        """The buttons pressed by customers, oldest first."""
        return self._world.postbacks

    def say(self, chat_id: str, event: str | Mapping[str, Any], *, author_id: str | None = None) -> Event:
        """Append an event to the last thread of a chat, as the agent or another user.

        Other processes do so over HTTP: `POST /sandbox/say` with `{"chat_id": …, "event": {…}}` speaks as the agent.

        Args:
            chat_id: The ID of the chat.
            event: The text of a message, or an event of any type as JSON data.
            author_id: The ID of the author. `None`: the agent's; a `system_message` has none.

        Raises:
            KeyError: The chat does not exist.
            ValueError: The event has no type.
        """
        chat = self._world.chats[chat_id]
        given = {"type": "message", "text": event} if isinstance(event, str) else event
        if author_id is None and given.get("type") != "system_message":
            author_id = self._world.agent.id
        return say(self._world, chat, chat.threads[-1], given, author_id)

    async def _stop(self) -> None:
        """Cancel the late performances still pending."""
        tasks = list(self._engine.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
