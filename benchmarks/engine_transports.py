"""The engines that `engines` compares, each configured as its documentation advises.

All stand under the same session: its limiter hands out as many slots as the pool below may have connections, oldest
call first, and its guard keeps cancellations from harming that pool. So what differs is the engine alone.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from benchmarks.variants import CONNECTIONS, OURS, TOKEN, Variant, ours_with
from livechat_customer_async import AsyncCustomerSession, Limits, RetryPolicy, Timeouts

SHARDS = 16
KEEPALIVE = 30.0


@dataclass(frozen=True)
class Setup:
    """The options of an engine. Without a `ca_file` it trusts the system's certificates."""

    ca_file: str = ""
    proxy: str | None = None
    connections: int = CONNECTIONS
    timeouts: Timeouts = field(default_factory=Timeouts)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file or None)


@dataclass(frozen=True)
class Engine:
    """An engine: `options` returns arguments for the session, `modules` are its additional imports."""

    options: Callable[[Setup], dict[str, Any]]
    modules: tuple[str, ...]


# ---- those that the session has


def ours(setup: Setup) -> dict[str, Any]:
    return {"ssl_context": setup.tls, "proxy": setup.proxy}


def httpx_alone(setup: Setup) -> dict[str, Any]:
    return {"ssl_context": setup.tls, "proxy": setup.proxy, "engine": "httpx"}


# ---- httpx's own, sharded


class Sharded(httpx.AsyncBaseTransport):
    """Many small pools: httpx's pool scans all its connections twice per call."""

    def __init__(self, setup: Setup) -> None:
        count = min(SHARDS, setup.connections)
        self._free = [(setup.connections + index) // count for index in range(count)]
        self._pools = [self._pool(setup, size) for size in self._free]

    @staticmethod
    def _pool(setup: Setup, size: int) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=size, max_keepalive_connections=size, keepalive_expiry=KEEPALIVE)
        return httpx.AsyncHTTPTransport(verify=setup.tls, proxy=setup.proxy, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        least_busy = max(range(len(self._free)), key=self._free.__getitem__)
        self._free[least_busy] -= 1
        try:
            response = await self._pools[least_busy].handle_async_request(request)
        except BaseException:
            self._release(least_busy)
            raise
        response.stream = _Counted(response.stream, lambda: self._release(least_busy))
        return response

    def _release(self, shard: int) -> None:
        self._free[shard] += 1

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


class _Counted(httpx.AsyncByteStream):
    """A response body that reports when it has been read."""

    def __init__(self, stream: Any, done: Callable[[], None]) -> None:
        self._stream = stream
        self._done = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._done()


# ---- httpcore2, the pool of httpx2


class Httpcore2(httpx.AsyncBaseTransport):
    """An httpx transport over httpx2's."""

    def __init__(self, setup: Setup) -> None:
        import httpcore2

        self._core = httpcore2
        self._errors = (
            httpcore2.TimeoutException,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.ProxyError,
            httpcore2.UnsupportedProtocol,
        )
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=setup.tls,
            proxy=httpcore2.Proxy(setup.proxy) if setup.proxy else None,
            max_connections=setup.connections,
            max_keepalive_connections=20,  # httpx2's default, and faster than 100
            keepalive_expiry=KEEPALIVE,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        sent = self._core.Request(
            method=request.method,
            url=self._core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._pool.handle_async_request(sent)
        except self._errors as error:
            raise as_httpx(error) from error
        stream = _Httpcore2Stream(response.stream, self._errors)
        return httpx.Response(response.status, headers=response.headers, stream=stream, extensions=response.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Httpcore2Stream(httpx.AsyncByteStream):
    def __init__(self, stream: Any, errors: tuple[type[Exception], ...]) -> None:
        self._stream = stream
        self._errors = errors

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except self._errors as error:
            raise as_httpx(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def as_httpx(error: Exception) -> httpx.TransportError:
    """Return httpx's exception of the same name."""
    same: httpx.TransportError = getattr(httpx, type(error).__name__)(str(error))
    return same


# ---- the transports that others made for httpx


def httpx_aiohttp(setup: Setup) -> httpx.AsyncBaseTransport:
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=setup.connections, keepalive_expiry=KEEPALIVE)
    proxy = httpx.Proxy(setup.proxy) if setup.proxy else None
    return AiohttpTransport(verify=setup.tls, limits=limits, proxy=proxy)


def pyreqwest(setup: Setup) -> httpx.AsyncBaseTransport:
    """pyreqwest's transport. It merges the four timeouts of a request into one; finer limits are set on its client."""
    from pyreqwest.client import ClientBuilder
    from pyreqwest.compatibility.httpx import HttpxTransport
    from pyreqwest.proxy import ProxyBuilder

    builder = ClientBuilder().max_connections(setup.connections).follow_redirects(enable=False)
    builder = builder.pool_idle_timeout(timedelta(seconds=KEEPALIVE))
    if setup.timeouts.connect is not None:
        builder = builder.connect_timeout(timedelta(seconds=setup.timeouts.connect))
    if setup.timeouts.read is not None:
        builder = builder.read_timeout(timedelta(seconds=setup.timeouts.read))
    if setup.ca_file:
        builder = builder.add_root_certificate_pem(Path(setup.ca_file).read_bytes())
    builder = builder.proxy(ProxyBuilder.all(setup.proxy)) if setup.proxy else builder.no_proxy()
    return HttpxTransport(builder.build())


def under(make: Callable[[Setup], httpx.AsyncBaseTransport]) -> Callable[[Setup], dict[str, Any]]:
    return lambda setup: {"transport": make(setup)}


# ---- the table of them

HTTPX = "httpx's own"
ENGINES = {
    OURS: Engine(ours, ("livechat_customer_async._net.http11.engine",)),
    HTTPX: Engine(httpx_alone, ("httpcore",)),
    f"httpx's own in {SHARDS} pools": Engine(under(Sharded), ("httpcore",)),
    "httpcore2 behind httpx": Engine(under(Httpcore2), ("httpcore2",)),
    "httpx-aiohttp": Engine(under(httpx_aiohttp), ("httpx_aiohttp",)),
    "pyreqwest's transport": Engine(under(pyreqwest), ("pyreqwest.compatibility.httpx",)),
}
ALTERNATIVES = [name for name in ENGINES if name != OURS]


def session_over(name: str, base_url: str, setup: Setup, retry: RetryPolicy) -> AsyncCustomerSession:
    options = {"limits": Limits(connections=setup.connections), "timeouts": setup.timeouts, "retry": retry}
    return AsyncCustomerSession(1520, TOKEN, base_url=base_url, **options, **ENGINES[name].options(setup))


def _variant(engine: Engine) -> Variant:
    return Variant(lambda target: ours_with(target, **engine.options(Setup(ca_file=target.ca_file))))


ENGINE_VARIANTS = {name: _variant(engine) for name, engine in ENGINES.items() if name != OURS}
"""The engines by name, for the worker."""
