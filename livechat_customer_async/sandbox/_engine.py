"""Everything one sandbox consists of, without its public face."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from attrs import define, field

from ._agent import AgentScript
from ._answers import AnswerShapes
from ._faults import FaultQueue
from ._records import Recorder
from ._render import Renderer
from ._world import World

Sleep = Callable[[float], Awaitable[object]]


@define(eq=False, kw_only=True)
class Engine:
    """The state, how it is answered, what goes wrong, what was seen."""

    world: World
    shapes: AnswerShapes
    license_id: int | None
    region: str | None
    script: AgentScript | None
    faults: FaultQueue
    recorder: Recorder
    sleep: Sleep
    tasks: set[asyncio.Task[None]] = field(factory=set[asyncio.Task[None]])

    @property
    def renderer(self) -> Renderer:
        """Writes the state in the shapes asked for now."""
        return Renderer(self.world, self.shapes)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Let something go on after its request has ended."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def rest(self, seconds: float | None, *events: asyncio.Event) -> None:
        """Wait until one of the events is set, or until the time is over (`None`: however long)."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(_set(event)) for event in events]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self.sleep(seconds)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()  # a sleep that failed must say so
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def _set(event: asyncio.Event) -> object:
    return await event.wait()
