"""The parts of a sandbox behind its public interface."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import attrs

from ._agent import AgentScript
from ._answers import AnswerShapes
from ._faults import FaultQueue
from ._records import Recorder
from ._render import Renderer
from ._world import World

Sleep = Callable[[float], Awaitable[object]]


@attrs.define(eq=False, kw_only=True)
class Engine:
    """The state, the shapes of answers, the faults and the recorded requests."""

    world: World
    shapes: AnswerShapes
    license_id: int | None
    region: str | None
    script: AgentScript | None
    faults: FaultQueue
    recorder: Recorder
    sleep: Sleep
    tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]])

    @property
    def renderer(self) -> Renderer:
        """Renders the state in the current shapes."""
        return Renderer(self.world, self.shapes)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start work that outlives its request."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def wait(self, seconds: float | None, *events: asyncio.Event) -> None:
        """Wait until one of the events is set or the time has passed (`None`: no limit)."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(_wait(event)) for event in events]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self.sleep(seconds)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()  # raises what `sleep` raised
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def _wait(event: asyncio.Event) -> object:
    return await event.wait()
