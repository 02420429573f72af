"""The ASGI application: the actions, the uploaded files, and the agent's voice."""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ._agent import say
from ._bodies import decode_json
from ._call import Call, ClientGoneError
from ._engine import Engine
from ._errors import Refusal
from ._fault_handlers import apply_fault

ACTION_PATH: Final = "/v3.0/customer/action"


class ActionEndpoint:
    """Handles the requests to actions on the level of ASGI, so that faults can act below HTTP."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, with a fault if one is armed for it."""
        call = Call(self._engine, scope, receive, send)
        self._engine.recorder.arrive(call.request)
        armed = self._engine.faults.take(call.request.action)
        try:
            await (call.run() if armed is None else apply_fault(call, armed))
        except ClientGoneError:
            return


class FileEndpoint:
    """Serves the uploaded files."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, request: Request) -> Response:
        """Return the file named by the path."""
        file = self._engine.world.files.get(request.path_params["file_id"])
        if file is None:
            return PlainTextResponse("the file does not exist or has expired", status_code=404)
        if file.content is None:
            return PlainTextResponse(
                "the sandbox does not keep the content of files (keep_file_bytes=False)", status_code=410
            )
        return Response(file.content, headers={"content-type": file.content_type})


class AgentEndpoint:
    """Lets other processes speak as the agent. The API has no such action."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def say(self, request: Request) -> Response:
        """Append the event of `{"chat_id", "event"}` to the last thread of the chat."""
        world = self._engine.world
        try:
            given = decode_json(await request.body())
            chat = world.chats[given["chat_id"]]
            event = say(world, chat, chat.threads[-1], given["event"], world.agent.id)
        except KeyError as error:
            return PlainTextResponse(f"unknown or missing: {error}", status_code=404)
        except (AttributeError, Refusal, TypeError, ValueError) as error:
            return PlainTextResponse(f"invalid: {error}", status_code=400)
        return JSONResponse(self._engine.renderer.event(event))


def build_app(engine: Engine) -> Starlette:
    """Return the application of an engine."""
    return Starlette(
        routes=[
            Route(ACTION_PATH + "/{action}", ActionEndpoint(engine)),
            Route("/files/{file_id}/{name}", FileEndpoint(engine).get, methods=["GET"]),
            Route("/sandbox/say", AgentEndpoint(engine).say, methods=["POST"]),
        ]
    )
