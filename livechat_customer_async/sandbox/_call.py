"""One request, from its headers to its answer."""

from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from ._actions import ACTIONS, Caller, Context
from ._admission import admit
from ._agent import reply
from ._answers import Answer, error_answer, result_answer
from ._bodies import body_of
from ._connection import Connection, connection_of
from ._engine import Engine
from ._errors import Refusal
from ._records import RecordedRequest, RequestHeaders
from ._rules import check_payload


class ClientGoneError(Exception):
    """The client closed the connection, or the server is stopping: no answer can be sent."""


class Call:
    """A request, with a method for each step of handling it. Faults may skip steps."""

    def __init__(self, engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
        self.engine = engine
        self.connection: Connection | None = connection_of(scope)
        self.request = _recorded(scope, self.connection)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body_of(self.request)
        self._refusal: Refusal | None = None
        self._payload: dict[str, Any] = {}

    async def run(self) -> None:
        """Read the request, perform it and send the answer."""
        await self.read()
        await self.send(self.perform())

    async def read(self) -> None:
        """Read the body until it ends or is refused."""
        more = True
        while more and self._refusal is None:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            data: bytes = message.get("body", b"")
            self.request.size += len(data)
            more = message.get("more_body", False)
            self._feed(data)
        self._decode()

    def perform(self) -> Answer:
        """Perform the action, if permitted, and return the answer."""
        engine, action = self.engine, self.request.action
        try:
            context, payload = self._admitted()
            outcome = ACTIONS[action](context, payload)
        except Refusal as refusal:
            return error_answer(action, refusal, engine.shapes)
        engine.recorder.perform(self.request)
        if engine.script is not None:
            for heard in outcome.heard:
                reply(engine.world, engine.script, heard)
        return result_answer(action, outcome.result, engine.shapes)

    async def send(self, answer: Answer) -> None:
        """Send a complete answer."""
        await self.begin(answer)
        await self.send_body(answer.body)

    async def begin(self, answer: Answer, content_length: int | None = None) -> None:
        """Send the status and headers, with the given content length in place of the true one."""
        self.request.status = answer.status
        headers = answer.raw_headers(content_length)
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def send_body(self, data: bytes, *, more: bool = False) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _feed(self, data: bytes) -> None:
        try:
            self._body.feed(data)
        except Refusal as refusal:
            self._refusal = refusal

    def _decode(self) -> None:
        """Record the body even if the request is refused for another reason first."""
        if self._refusal is not None:
            return
        try:
            self._payload = self._body.payload(self.request)
        except Refusal as refusal:
            self._refusal = refusal

    def _admitted(self) -> tuple[Context, dict[str, Any]]:
        engine, request = self.engine, self.request
        if request.action not in ACTIONS:
            raise Refusal("validation", "unknown action", status=404)
        customer = admit(request, engine.world.customers, license_id=engine.license_id, region=engine.region)
        request.customer_id = customer.id
        if self._refusal is not None:
            raise self._refusal
        check_payload(request.action, self._payload)
        caller = Caller(
            customer=customer,
            base_url=_base_url(self._scope, request.headers),
            user_agent=request.headers.get("user-agent"),
            referrer=request.headers.get("referer"),
        )
        return Context(engine.world, caller, engine.renderer), self._payload


def _recorded(scope: Scope, connection: Connection | None) -> RecordedRequest:
    query: bytes = scope["query_string"]
    return RecordedRequest(
        action=scope["path_params"]["action"],
        method=scope["method"],
        path=scope["path"],
        query=tuple(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        headers=RequestHeaders(scope["headers"]),
        connection=None if connection is None else connection.serial,
    )


def _base_url(scope: Scope, headers: RequestHeaders) -> str:
    return f"{scope['scheme']}://{headers.get('host', 'localhost')}"
