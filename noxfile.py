"""The project's checks: `nox` runs all of them, `nox -s NAME` one, `nox -s tests -- -k chats` a part of the tests.

The Python versions are those of pyproject's classifiers, as far as an interpreter for them is found and really runs.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "typing", "build", "docs", "lowest", "bench-ratios", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGE = "livechat_customer_async"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = nox.project.python_versions(PROJECT)


def runs(interpreter: str, version: str) -> str | None:
    """The path of the real interpreter behind `interpreter`, or None where it is no working Python of that version."""
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable, sep='\\n')"
    try:
        result = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found, path = result.stdout.splitlines()
    return path if found == version else None


def find_pythons() -> dict[str, str]:
    """The interpreters found, by version: this one, those on PATH, pyenv's (whose shims alone may not run)."""
    found = {}
    for version in dict.fromkeys([*SUPPORTED, THIS]):
        name = f"python{version}"
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        candidates = [sys.executable, shutil.which(name), *sorted(pyenv.glob(f"versions/*/bin/{name}"), reverse=True)]
        paths = (runs(str(candidate), version) for candidate in candidates if candidate)
        if path := next(filter(None, paths), None):
            found[version] = path
    return found


PYTHONS = find_pythons()
MISSING = [version for version in SUPPORTED if version not in PYTHONS]
if MISSING:
    print(f"nox > No working interpreter for Python {', '.join(MISSING)}: not tested there.")
# Nox looks on PATH and would take a pyenv shim that does not run: put the interpreters that do before it.
os.environ["PATH"] = os.pathsep.join([*(str(Path(path).parent) for path in PYTHONS.values()), os.environ["PATH"]])


def install(session: nox.Session, *groups: str, constraint: Path | None = None) -> None:
    """Install the package in place with all its extras, and the dependency groups."""
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    limits = [] if constraint is None else ["--constraint", str(constraint)]
    session.install("--editable", f".[{extras}]", *nox.project.dependency_groups(PROJECT, *groups), *limits)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and format; import-linter's layers."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """The package and a user's program under mypy and pyright; the types of every public name are complete."""
    install(session, "typing")
    session.run("mypy", PACKAGE, "tests/typing")
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # it would ask the network for a newer release
    session.run("pyright", env=quiet)
    session.run("pyright", "--verifytypes", PACKAGE, "--ignoreexternal", env=quiet)


@nox.session
def build(session: nox.Session) -> None:
    """The sdist and the wheel hold what they should, and the wheel works where the source tree is not."""
    session.install(*nox.project.dependency_groups(PROJECT, "build"))
    outdir = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(outdir, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(outdir), silent=True)
    (sdist,), (wheel,) = outdir.glob("*.tar.gz"), outdir.glob("*.whl")
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    check_contents(session, sdist, wheel)

    venv = outdir.parent / "venv"
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    session.run("python", "-m", "venv", "--clear", str(venv))
    session.chdir(outdir)
    session.run(str(scripts / "python"), "-m", "pip", "install", "-qq", str(wheel), external=True)
    session.run(str(scripts / "python"), "-I", "-W", "error", "-c", IMPORT_ALL, external=True)
    session.run(str(scripts / "python"), "-m", "pip", "install", "-qq", f"{wheel}[cli]", external=True)
    session.run(str(scripts / "livechat-customer"), "demo", external=True)


IMPORT_ALL = """
import importlib.metadata, pathlib, sys, livechat_customer_async as package
assert pathlib.Path(package.__file__).is_relative_to(sys.prefix), package.__file__
assert package.__version__ == importlib.metadata.version("livechat-customer-async")
for name in package.__all__:
    getattr(package, name)
print("imported", len(package.__all__), "names of", package.__version__, "from", package.__file__)
"""


def check_contents(session: nox.Session, sdist: Path, wheel: Path) -> None:
    """Compare both archives' files with the tree's."""
    modules = {path.as_posix() for path in Path(PACKAGE).rglob("*") if path.suffix in {".py", ".typed"}}
    modules.add("_livechat_customer_cli.py")
    packed = set(zipfile.ZipFile(wheel).namelist())
    metadata = {name for name in packed if ".dist-info/" in name}
    if packed - metadata != modules:
        session.error(f"the wheel's files are not the package's: {sorted((packed - metadata) ^ modules)}")
    if not any(name.endswith("/licenses/LICENSE") for name in metadata):
        session.error("the wheel has no licence")
    with tarfile.open(sdist) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "noxfile.py", "tests/conftest.py", *modules}
    if wanted - shipped:
        session.error(f"the sdist lacks {sorted(wanted - shipped)}")


@nox.session
def docs(session: nox.Session) -> None:
    """The README's examples, executed against the sandbox."""
    install(session, "docs")
    session.run("pytest", "-m", "docs", *session.posargs)


@nox.session(python=next(iter(PYTHONS)))
def lowest(session: nox.Session) -> None:
    """The tests on the oldest Python with every direct dependency at its lower bound."""
    constraint = Path(session.create_tmp()).resolve() / "lowest.txt"
    constraint.write_text("\n".join(lower_bounds()) + "\n")
    install(session, "tests", constraint=constraint)
    session.run("pytest", "-m", "not docs", *session.posargs)


def lower_bounds() -> list[str]:
    """Every direct dependency, those of the extras too, pinned to the bound that pyproject gives."""
    project = PROJECT["project"]
    lines = [line for group in project["optional-dependencies"].values() for line in group] + project["dependencies"]
    requirements = [Requirement(line) for line in lines]
    return [
        f"{requirement.name}=={re.search(r'>=([^,]+)', str(requirement.specifier))[1]}"
        for requirement in requirements
        if requirement.name != project["name"]
    ]


@nox.session(python=list(PYTHONS))
def tests(session: nox.Session) -> None:
    """The tests on each Python found, measured on the first: the package has no branch for a version of Python."""
    install(session, "tests")
    measure = ["coverage", "run", "-m"] if session.python == next(iter(PYTHONS)) else []
    session.run(*measure, "pytest", "-m", "not docs", *session.posargs)
    if measure and not session.posargs:
        session.notify("coverage")


@nox.session
def coverage(session: nox.Session) -> None:
    """Report what the tests measured; fail under the gate of pyproject."""
    session.install("coverage[toml]")
    session.run("coverage", "report")


BENCHMARKS = ["calls", "engines", "decode", "cold", "uploads"]


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks: all, or those named; `quick` for a short version, `reference` to renew the committed figures."""
    install(session, "bench")
    named = [word for word in session.posargs if word in BENCHMARKS]
    options = [word for word in session.posargs if word not in BENCHMARKS]
    for name in named or BENCHMARKS:
        session.run("python", "-m", f"benchmarks.{name}", *options)


@nox.session(name="bench-ratios")
def bench_ratios(session: nox.Session) -> None:
    """The hot path's micro-benchmarks, compared with the committed baseline of this Python by ratio; under a minute."""
    install(session, "tests", "micro")
    session.run("pytest", "benchmarks/test_micro.py", *session.posargs)
