"""Executes every Python example of the README, and of docs/ if there is one, each as a program of its own.

An example finds a running sandbox in the environment (`AsyncCustomerSession.from_env()`) and `receipt.pdf` in its
working directory. One with `def test_` in it is run by pytest. `<!-- not executed: REASON -->` before a fence skips it.
"""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from livechat_customer_async.sandbox import Sandbox, serve

pytestmark = pytest.mark.docs

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"^(?:<!-- not executed: (?P<reason>[^\n]+) -->\n+)?```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHELLS = {"bash", "console", "sh", "shell"}


def fences(path, languages):
    text = path.read_text(encoding="utf-8")
    found = [match for match in FENCE.finditer(text) if match["language"] in languages]
    return [(text.count("\n", 0, match.start()) + 1, match) for match in found]


def examples():
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]:
        for line, match in fences(path, {"python"}):
            marks = [pytest.mark.skip(reason=match["reason"])] if match["reason"] else []
            yield pytest.param(match["code"], id=f"{path.name}:{line}", marks=marks)


@pytest.mark.asyncio
@pytest.mark.parametrize("code", list(examples()))
async def test_an_example_runs(code, tmp_path):
    program = tmp_path / ("test_example.py" if "def test_" in code else "example.py")
    program.write_text(code, encoding="utf-8")
    (tmp_path / "receipt.pdf").write_bytes(b"%PDF-1.4\n" + b"0" * 2048)
    runner = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if program.name.startswith("test_") else ["-W", "error"]
    async with serve(Sandbox()) as server:
        environment = os.environ | {
            "LIVECHAT_BASE_URL": server.url,
            "LIVECHAT_LICENSE_ID": "1520",
            "LIVECHAT_ACCESS_TOKEN": "fra-token",
        }
        result = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, *runner, program.name],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
    assert result.returncode == 0, result.stdout


def test_the_readme_begins_with_the_demo_and_the_tests():
    demo, tests = [match["code"] for _, match in fences(ROOT / "README.md", SHELLS)][:2]
    assert (demo.count("\n"), tests.count("\n")) == (1, 1)
    assert "livechat-customer demo" in demo
    assert "nox" in tests
