"""How one version of the API puts a call into an HTTP request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs
import httpx

from .._net.failures import Failure
from .._net.outgoing import Answer, HeaderBlock, Outgoing
from .._net.transport import Transport
from .._uploads.multipart import MultipartBody
from .._uploads.source import OnProgress, Source
from .._wire.converter import dumps

DEFAULT_REGION = "dal"
REGIONS = (DEFAULT_REGION, "fra")

HeaderPairs = tuple[tuple[bytes, bytes], ...]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Api:
    """The facts of one version that every request depends on.

    Attributes:
        path: in front of the action's name.
        query: name of the parameter that holds the license id.
        wrap: key of the parameters in a JSON body.
        form_prefix: in front of each field's name in a multipart body.
        region_header: names the data centre.
    """

    path: str
    query: str
    wrap: str
    form_prefix: str
    region_header: str


V3_0 = Api(
    path="/v3.0/customer/action/", query="license_id", wrap="payload", form_prefix="payload.", region_header="X-Region"
)


def region_of(token: str) -> str | None:
    """Return the region that a token names by its prefix, or `None`."""
    return token[:3] if token[:3] in REGIONS and token[3:4] in ("-", ":") else None


class Exchange(Protocol):
    """Carries requests to the server: over HTTP here, over anything else behind the same three methods."""

    def encode(self, payload: Mapping[str, Any]) -> bytes:
        """Encode the parameters of a call once, for all of its attempts."""
        ...

    def prepare(
        self, action: str, body: bytes | MultipartBody, token: str, region: str | None, headers: Mapping[str, str]
    ) -> Outgoing:
        """Build the request of one attempt; nothing is sent. `region`: `None` for the default one."""
        ...

    async def send(self, outgoing: Outgoing, /) -> Answer | Failure:
        """Send it once. `outgoing.delivery` tells at any moment whether the server may have it."""
        ...


class Endpoints:
    """The URLs of one license's actions, each parsed once."""

    def __init__(self, api: Api, base_url: httpx.URL, license_id: int) -> None:
        self.base_url = str(base_url).rstrip("/")
        self.host = base_url.netloc
        self._prefix = self.base_url + api.path
        self._query = f"?{api.query}={license_id}"
        self._urls: dict[str, httpx.URL] = {}

    def url_of(self, action: str) -> httpx.URL:
        """Return the URL of an action."""
        url = self._urls.get(action)
        if url is None:
            url = self._urls[action] = httpx.URL(self._prefix + action + self._query)
        return url


class HttpExchange:
    """One customer's way over HTTP."""

    def __init__(
        self,
        api: Api,
        transport: Transport,
        endpoints: Endpoints,
        headers: HeaderPairs,
        timeout: dict[str, float | None],
    ) -> None:
        self._api = api
        self._endpoints = endpoints
        self._fixed = headers
        self._timeout = timeout
        self._block_for: tuple[str, str | None] | None = None
        self._block = HeaderBlock(())
        self.send = transport.send

    def encode(self, payload: Mapping[str, Any]) -> bytes:
        """Encode the parameters as JSON."""
        return dumps({self._api.wrap: payload})

    def prepare(
        self, action: str, body: bytes | MultipartBody, token: str, region: str | None, headers: Mapping[str, str]
    ) -> Outgoing:
        """Build the request of one attempt."""
        block = self._headers_of(token, region)
        return Outgoing(self._endpoints.url_of(action), block.plus(headers) if headers else block, body, self._timeout)

    def _headers_of(self, token: str, region: str | None) -> HeaderBlock:
        if self._block_for != (token, region):
            named = () if region is None else ((self._api.region_header.encode(), region.encode()),)
            json = (b"Content-Type", b"application/json")
            self._block = HeaderBlock((*self._fixed, json, (b"Authorization", b"Bearer " + token.encode()), *named))
            self._block_for = token, region
        return self._block


def multipart(api: Api, payload: Mapping[str, Any], source: Source, on_progress: OnProgress | None) -> MultipartBody:
    """Return the body of an upload: the parameters as form fields, then the file."""
    return MultipartBody(_form_fields(api, payload), f"{api.form_prefix}file", source, on_progress=on_progress)


def _form_fields(api: Api, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in payload.items():
        yield api.form_prefix + name, str(value).lower() if isinstance(value, bool) else value
