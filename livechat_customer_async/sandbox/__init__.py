"""A stateful in-memory server of the LiveChat Customer Chat Web API v3.0, for experiments and tests.

    sandbox = Sandbox(agent=friendly_agent)
    async with serve(sandbox) as server:
        ...  # send requests to server.url, then inspect sandbox.requests, sandbox.performed, sandbox.chats

It needs the extra `sandbox`: `pip install "livechat-customer-async[sandbox]"`.
"""

try:
    from ._agent import AgentScript, Heard, Reply, friendly_agent
    from ._answers import AnswerShapes
    from ._fault_text import parse_fault
    from ._faults import ArmedFault, Fault, FaultKind, FaultQueue
    from ._multipart import Part
    from ._records import RecordedRequest, RequestHeaders
    from ._sandbox import Sandbox
    from ._server import SandboxServer, run, serve
    from ._state import AgentProfile, Chat, Customer, Event, Group, SentPostback, SneakPeek, StoredFile, Thread
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] not in {"python_multipart", "starlette", "uvicorn"}:
        raise
    raise ImportError(
        f"the sandbox requires {_error.name}, which is not installed; run: "
        'pip install "livechat-customer-async[sandbox]"',
        name=_error.name,
    ) from _error

__all__ = [
    "AgentProfile",
    "AgentScript",
    "AnswerShapes",
    "ArmedFault",
    "Chat",
    "Customer",
    "Event",
    "Fault",
    "FaultKind",
    "FaultQueue",
    "Group",
    "Heard",
    "Part",
    "RecordedRequest",
    "Reply",
    "RequestHeaders",
    "Sandbox",
    "SandboxServer",
    "SentPostback",
    "SneakPeek",
    "StoredFile",
    "Thread",
    "friendly_agent",
    "parse_fault",
    "run",
    "serve",
]
