import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

from livechat_customer_async import sandbox

ROOT = Path(sandbox.__file__).parent


def test_all_is_exact():
    assert sandbox.__all__ == sorted(sandbox.__all__, key=lambda name: (name[0].islower(), name))
    public = {name for name, value in vars(sandbox).items() if not name.startswith("_")}
    modules = {name for name in public if type(getattr(sandbox, name)) is type(sandbox)}
    assert public - modules == set(sandbox.__all__)


def test_every_public_name_has_a_docstring():
    for name in sandbox.__all__:
        value = getattr(sandbox, name)
        if isinstance(value, type) or inspect.isfunction(value):
            assert value.__doc__, name


def test_the_sandbox_shares_no_code_with_the_client():
    for path in ROOT.rglob("*.py"):
        depth = len(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= depth, path
                assert not (node.module or "").startswith("livechat_customer_async"), path
            if isinstance(node, ast.Import):
                assert all(not alias.name.startswith("livechat") for alias in node.names), path


@pytest.fixture
def fresh_import(monkeypatch):
    """Import the sandbox again as if the named module were not installed."""

    def without(missing):
        for name in list(sys.modules):
            if name.startswith("livechat_customer_async.sandbox") or name.partition(".")[0] == missing:
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, missing, None)
        importlib.import_module("livechat_customer_async.sandbox")

    return without


@pytest.mark.parametrize("missing", ["python_multipart", "starlette", "uvicorn"])
def test_without_the_extra_the_import_says_what_to_install(fresh_import, missing):
    with pytest.raises(ImportError) as caught:
        fresh_import(missing)
    assert str(caught.value).startswith(f"the sandbox requires {missing}")
    assert 'pip install "livechat-customer-async[sandbox]"' in str(caught.value)


def test_another_missing_module_is_not_blamed_on_the_extra(fresh_import):
    with pytest.raises(ModuleNotFoundError) as caught:
        fresh_import("attrs")
    assert "[sandbox]" not in str(caught.value)
