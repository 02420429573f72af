"""A raw client of the sandbox, made of httpx and plain dictionaries only."""

import httpx

from livechat_customer_async.sandbox import Sandbox

PATH = "/v3.0/customer/action/"
TOKEN = "dal:canary-token"


class Api:
    """Calls actions as one customer."""

    def __init__(self, sandbox, token=TOKEN, *, base_url="http://sandbox", transport=None, verify=True):
        self.sandbox: Sandbox = sandbox
        self.http = httpx.AsyncClient(
            base_url=base_url,
            transport=transport or (httpx.ASGITransport(sandbox.app) if base_url == "http://sandbox" else None),
            headers={"Authorization": f"Bearer {token}"},
            params={"license_id": 1520},
            timeout=10,
            trust_env=False,
            verify=verify,
        )

    @property
    def customer(self):
        return self.sandbox.customer(self.http.headers["Authorization"].removeprefix("Bearer "))

    async def send(self, action, payload=None, **options):
        """The complete answer."""
        return await self.http.post(PATH + action, json={"payload": payload or {}}, **options)

    async def ok(self, action, **payload):
        """Return the result of a call that must succeed."""
        response = await self.send(action, payload)
        assert response.status_code == 200, response.text
        assert list(response.json()) == ["payload"]
        return response.json()["payload"]

    async def error(self, action, **payload):
        """Return the error object of a call that must fail without performing anything."""
        before = self.sandbox.performed[action]
        response = await self.send(action, payload)
        assert response.status_code >= 400, response.text
        assert list(response.json()) == ["error"]
        assert self.sandbox.performed[action] == before
        return response.json()["error"]

    async def upload(self, action, *, file=("receipt.pdf", b"%PDF", "application/pdf"), **fields):
        """The complete answer to an upload."""
        data = {f"payload.{name}": value for name, value in fields.items()}
        return await self.http.post(PATH + action, data=data, files={"payload.file": file})

    async def chat(self, **chat):
        """Start a chat."""
        return (await self.ok("start_chat", chat=chat))["chat"]

    async def message(self, chat_id, text="hello", **flags):
        """Send a message."""
        return await self.ok("send_event", chat_id=chat_id, event={"type": "message", "text": text}, **flags)

    async def threads(self, chat_id):
        """Return all threads of a chat."""
        return (await self.ok("get_chat_threads", chat_id=chat_id))["chat"]["threads"]
