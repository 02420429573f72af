"""The sandbox answers any request."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async.sandbox import Sandbox
from livechat_customer_async.sandbox._actions import ACTIONS
from livechat_customer_async.sandbox._rules import UPLOADS
from tests.helpers.sandbox_api import PATH, Api

NAMES = ["chat_id", "chat", "id", "event", "type", "text", "properties", "thread", "events", "fields", "groups", "url"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["message", "file", "C"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=12,
)
API = Api(Sandbox(record_limit=1))
BODIES = st.fixed_dictionaries({"payload": VALUES}).map(json.dumps).map(str.encode) | st.binary()


@given(action=st.sampled_from(sorted(ACTIONS)), body=BODIES)
def test_any_body_is_answered(action, body):
    async def answer():
        kind = "multipart/form-data; boundary=x" if action in UPLOADS else "application/json"
        return await API.http.post(PATH + action, content=body, headers={"Content-Type": kind})

    response = asyncio.run(answer())
    if response.status_code != 200:
        assert response.json()["error"]["type"] in {"validation", "authentication", "group_not_found"}
