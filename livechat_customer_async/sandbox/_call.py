"""One request, from its head to its answer."""

from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from ._actions import ACTIONS, Caller, Context
from ._admission import admit
from ._agent import let_reply
from ._answers import Answer, error_answer, result_answer
from ._bodies import body_of
from ._connection import Connection, connection_of
from ._engine import Engine
from ._errors import Refusal
from ._records import RecordedRequest, RequestHeaders
from ._rules import check_payload


class ClientGoneError(Exception):
    """The client ended the connection, or the server is stopping: there is nobody to answer."""


class Call:
    """A request and the ways to deal with it, each of which a fault may use or leave out."""

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
        """Read, perform, answer."""
        await self.read()
        await self.send(self.perform())

    async def read(self) -> None:
        """Read the body, up to where it is refused."""
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
        """Do what the request says, if it may, and give the answer."""
        engine, action = self.engine, self.request.action
        try:
            context, payload = self._admitted()
            outcome = ACTIONS[action](context, payload)
        except Refusal as refusal:
            return error_answer(action, refusal, engine.shapes)
        engine.recorder.perform(self.request)
        if engine.script is not None:
            for heard in outcome.heard:
                let_reply(engine.world, engine.script, heard)
        return result_answer(action, outcome.result, engine.shapes)

    async def send(self, answer: Answer) -> None:
        """Send a whole answer."""
        await self.begin(answer)
        await self.send_body(answer.body)

    async def begin(self, answer: Answer, content_length: int | None = None) -> None:
        """Send an answer's status and headers, with the given content length in place of the true one."""
        self.request.status = answer.status
        headers = answer.raw_headers(content_length)
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def send_body(self, data: bytes, *, more: bool = False) -> None:
        """Send a piece of an answer's body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def gone(self) -> None:
        """Wait until the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _feed(self, data: bytes) -> None:
        try:
            self._body.feed(data)
        except Refusal as refusal:
            self._refusal = refusal

    def _decode(self) -> None:
        """Note the body in the record, whatever becomes of the request; what is wrong with it is told later."""
        if self._refusal is not None:
            return
        try:
            self._payload = self._body.payload(self.request)
        except Refusal as refusal:
            self._refusal = refusal

    def _admitted(self) -> tuple[Context, dict[str, Any]]:
        engine, request = self.engine, self.request
        if request.action not in ACTIONS:
            raise Refusal("validation", "there is no such action", status=404)
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
