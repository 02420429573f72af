"""The ASGI application: the actions, and the uploaded files."""

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ._call import Call, ClientGoneError
from ._engine import Engine
from ._strikes import strike

ACTION_PATH: Final = "/v3.0/customer/action"


class ActionEndpoint:
    """Takes each request to an action, past Starlette's own request and response: faults go below them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Deal with one request, as a fault says where one is waiting for it."""
        call = Call(self._engine, scope, receive, send)
        self._engine.recorder.arrive(call.request)
        armed = self._engine.faults.take(call.request.action)
        try:
            await (call.run() if armed is None else strike(call, armed))
        except ClientGoneError:
            return


class FileEndpoint:
    """Serves the uploaded files."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, request: Request) -> Response:
        """The file of the path, while it is there."""
        file = self._engine.world.files.get(request.path_params["file_id"])
        if file is None:
            return PlainTextResponse("there is no such file, or it has expired", status_code=404)
        if file.content is None:
            return PlainTextResponse("the sandbox was told not to keep the bytes of files", status_code=410)
        return Response(file.content, headers={"content-type": file.content_type})


def build_app(engine: Engine) -> Starlette:
    """The application over an engine."""
    return Starlette(
        routes=[
            Route(ACTION_PATH + "/{action}", ActionEndpoint(engine)),
            Route("/files/{file_id}/{name}", FileEndpoint(engine).get, methods=["GET"]),
        ]
    )
