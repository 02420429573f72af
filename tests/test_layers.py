"""What import-linter's layers cannot say: the wings use public names only, and two folders use none."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import livechat_customer_async

PACKAGE = livechat_customer_async.__name__
ROOT = Path(livechat_customer_async.__file__).parent
PUBLIC = {PACKAGE, f"{PACKAGE}.sandbox"}

INDEPENDENT = ["sandbox", "_net/http11"]
"""The sandbox, so that each can catch the other's mistakes; the engine, because it knows nothing of LiveChat."""
WINGS = ["bulk", "cli", "contrib", "testing", "webhooks"]


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Each import of the package in a file, as the absolute module and, for a `from` import, the name."""
    package = [PACKAGE, *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found = [(module, alias.name) for alias in node.names]
        else:
            continue
        yield from ((module, name) for module, name in found if module.split(".")[0] == PACKAGE)


def is_inside(folder: str, module: str, name: str | None) -> bool:
    own = f"{PACKAGE}.{folder}".replace("/", ".")
    return f"{module}.".startswith(f"{own}.") or f"{module}.{name}" == own


def foreign_imports(folder: str) -> list[tuple[str, str, str | None]]:
    """The imports of the package, but not of the folder itself, in the files of a folder or module."""
    files = [*ROOT.glob(f"{folder}/**/*.py"), *ROOT.glob(f"{folder}.py")]
    found = [(str(path.relative_to(ROOT)), *item) for path in files for item in imports(path)]
    return [(path, module, name) for path, module, name in found if not is_inside(folder, module, name)]


def is_public(module: str, name: str | None) -> bool:
    if module not in PUBLIC:
        return False
    return name is None or f"{module}.{name}" in PUBLIC or name in importlib.import_module(module).__all__


@pytest.mark.parametrize("folder", INDEPENDENT)
def test_the_independent_import_nothing_of_the_client(folder):
    assert foreign_imports(folder) == []


@pytest.mark.parametrize("wing", WINGS)
def test_the_wings_import_public_names_only(wing):
    private = [item for item in foreign_imports(wing) if not is_public(*item[1:])]
    assert private == []
