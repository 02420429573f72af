import hashlib

import pytest

from tests.helpers.sandbox_api import PATH

pytestmark = pytest.mark.asyncio

LIMIT = 10 * 1024 * 1024
BOUNDARY = "b0undary"


def part(name, content=b"x", *, filename=None, content_type=None):
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    lines = [f"Content-Disposition: {disposition}"] + ([f"Content-Type: {content_type}"] if content_type else [])
    return f"--{BOUNDARY}\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("payload.file", filename="a.txt")


async def post(api, action, *parts, content_type=f"multipart/form-data; boundary={BOUNDARY}"):
    return await api.http.post(PATH + action, content=b"".join(parts), headers={"Content-Type": content_type})


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
async def test_parts_are_recorded_by_their_full_names(api, sandbox, pieces):
    body = part("payload.file", b"\r\n--x\xff" * 50, filename="żółw.bin", content_type="image/png") + END

    async def slowly():
        for start in range(0, len(body), pieces):
            yield body[start : start + pieces]

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    response = await api.http.post(PATH + "upload_file", content=slowly(), headers=headers)
    assert response.status_code == 200, response.text
    request = sandbox.requests[-1]
    (recorded,) = request.parts
    assert request.part("payload.file") is recorded
    assert (recorded.name, recorded.filename, recorded.content_type) == ("payload.file", "żółw.bin", "image/png")
    assert (recorded.size, recorded.sha256) == (300, hashlib.sha256(b"\r\n--x\xff" * 50).hexdigest())
    assert (recorded.content, request.size, request.body) == (b"", len(body), None)
    (stored,) = sandbox.files.values()
    assert (stored.content, stored.name) == (b"\r\n--x\xff" * 50, "żółw.bin")
    with pytest.raises(KeyError):
        request.part("file")


async def test_a_file_of_more_than_10_mib_is_refused(api, sandbox):
    ok = await api.upload("upload_file", file=("big", b"x" * LIMIT, "text/plain"))
    assert ok.status_code == 200
    refused = await api.upload("upload_file", file=("big", b"x" * (LIMIT + 1), "text/plain"))
    assert (refused.status_code, refused.json()["error"]["type"]) == (413, "entity_too_large")
    assert [file.size for file in sandbox.files.values()] == [LIMIT]


async def test_the_empty_payload_field_of_the_api_reference_is_ignored(api):
    assert (await post(api, "upload_file", part("payload", b""), FILE, END)).status_code == 200


async def test_defaults_of_a_file_without_a_content_type(api, sandbox):
    await post(api, "upload_file", FILE, END)
    (stored,) = sandbox.files.values()
    assert stored.content_type == "application/octet-stream"


CHAT_ID = part("payload.chat_id", b"c")
MALFORMED = [
    ("upload_file", [part("payload", b""), END], "`file`"),
    ("upload_file", [FILE], "closing boundary"),
    ("upload_file", [b"garbage"], "malformed multipart"),
    ("upload_file", [part("file", filename="a"), END], "`file`"),
    ("upload_file", [FILE, FILE, END], "`payload.file`"),
    ("upload_file", [part("payload", b"{}"), FILE, END], "`payload`"),
    ("upload_file", [part("payload.file"), END], "file name"),
    ("upload_file", [part("payload.file", filename=""), END], "file name"),
    ("upload_file", [CHAT_ID, FILE, END], "`chat_id`"),
    ("upload_file", [FILE.replace(b"form-data", b"attachment"), END], "Content-Disposition"),
    ("upload_file", [FILE.replace(b"name=", b"x="), END], "Content-Disposition"),
    ("upload_file", [part("payload.file", filename="a").replace(b'"a"', b'"\xff"'), END], "not UTF-8"),
    ("send_file", [FILE, END], "`chat_id`"),
    ("send_file", [part("payload.chat_id", filename="a"), FILE, END], "`payload.chat_id`"),
    ("send_file", [part("payload.chat_id", b"\xff"), FILE, END], "not UTF-8"),
    ("send_file", [CHAT_ID, part("payload.require_active_thread", b"1"), FILE, END], "`require_active_thread`"),
    ("send_file", [CHAT_ID, part("payload.thread_id"), FILE, END], "`thread_id`"),
]


@pytest.mark.parametrize("action, parts, problem", MALFORMED)
async def test_a_malformed_upload_is_refused(api, sandbox, action, parts, problem):
    error = (await post(api, action, *parts)).json()["error"]
    assert error["type"] == "validation"
    assert problem in error["message"]
    assert not sandbox.files


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", "multipart/form-data;boundary="],
)
async def test_an_upload_is_form_data_with_a_boundary(api, content_type):
    error = (await post(api, "upload_file", FILE, END, content_type=content_type)).json()["error"]
    assert "`Content-Type`" in error["message"]


async def test_a_boundary_that_is_too_long_is_refused(api):
    long = "x" * 10_000
    error = (await post(api, "upload_file", FILE, content_type=f"multipart/form-data; boundary={long}")).json()["error"]
    assert error["type"] == "validation"


async def test_an_empty_upload_is_refused(api):
    assert (await post(api, "upload_file")).json()["error"]["type"] == "validation"
