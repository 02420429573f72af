"""Run the project's checks: `nox` for all of them, `nox -s NAME` for one, `nox -s tests -- -k chats` for some tests.

The Python versions come from the classifiers in pyproject.toml; those without a working interpreter are skipped. With
uv installed (`pip install "nox[uv]"`) the virtual environments are made by it, in a fifth of the time.
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

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "typing", "build", "docs", "tests", "lowest"]

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGE = "livechat_customer_async"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = nox.project.python_versions(PROJECT)
WORKERS = ["-n", "auto", "--dist", "worksteal"]


def runs(interpreter: str, version: str) -> str | None:
    """Return the path of the real interpreter behind `interpreter`, or None if it is not a working Python `version`."""
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable, sep='\\n')"
    try:
        result = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found, path = result.stdout.splitlines()
    return path if found == version else None


def find_pythons() -> dict[str, str]:
    """Find an interpreter for each version: this one, those on PATH, and pyenv's, whose shims may not run."""
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
    print(f"nox > Skipping Python {', '.join(MISSING)}: no working interpreter found.")
FIRST, LAST = next(iter(PYTHONS)), list(PYTHONS)[-1]
# Nox searches PATH and would use a pyenv shim that does not run, so the interpreters found come first.
os.environ["PATH"] = os.pathsep.join([*(str(Path(path).parent) for path in PYTHONS.values()), os.environ["PATH"]])


def install(session: nox.Session, *groups: str, constraint: Path | None = None) -> None:
    """Install the package in editable mode with all its extras, and the dependency groups."""
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    limits = [] if constraint is None else ["--constraint", str(constraint)]
    session.install("--editable", f".[{extras}]", *nox.project.dependency_groups(PROJECT, *groups), *limits)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting (ruff) and the layers of modules (import-linter)."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Type-check the package and a user's program (mypy, pyright); every public name must be completely typed."""
    install(session, "typing")
    session.run("mypy", PACKAGE, "tests/typing")
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # otherwise it looks for a newer release online
    session.run("pyright", env=quiet)
    session.run("pyright", "--verifytypes", PACKAGE, "--ignoreexternal", env=quiet)


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel, check their contents, and use the wheel outside the source tree."""
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
    """Fail if an archive lacks a file of the source tree, or the wheel holds anything else."""
    modules = {path.as_posix() for path in Path(PACKAGE).rglob("*") if path.suffix in {".py", ".typed"}}
    modules.add("_livechat_customer_cli.py")
    packed = set(zipfile.ZipFile(wheel).namelist())
    metadata = {name for name in packed if ".dist-info/" in name}
    if packed - metadata != modules:
        session.error(f"wheel and package differ: {sorted((packed - metadata) ^ modules)}")
    if not any(name.endswith("/licenses/LICENSE") for name in metadata):
        session.error("the wheel has no licence")
    with tarfile.open(sdist) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "noxfile.py", "tests/conftest.py", *modules}
    if wanted - shipped:
        session.error(f"the sdist lacks {sorted(wanted - shipped)}")


@nox.session
def docs(session: nox.Session) -> None:
    """Execute the README's examples against the sandbox."""
    install(session, "docs")
    session.run("pytest", *WORKERS, "-m", "docs", *session.posargs)


@nox.session(python=list(PYTHONS))
def tests(session: nox.Session) -> None:
    """Run the tests on every Python found, on the first with coverage.

    The slow tests run on the last Python only, and in `lowest`: coverage would double their time.
    """
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *WORKERS, "-m", "not docs", *session.posargs)
    elif session.python == FIRST:
        session.run("coverage", "erase")
        session.run("coverage", "run", "-m", "pytest", *WORKERS, "-m", "not docs and not slow")
        session.run("coverage", "combine", "--quiet")
        session.run("coverage", "report")
    else:
        session.run("pytest", *WORKERS, "-m", "not docs" if session.python == LAST else "not docs and not slow")


@nox.session(python=FIRST)
def lowest(session: nox.Session) -> None:
    """Run the tests on the oldest Python with every direct dependency at its lower bound."""
    constraint = Path(session.create_tmp()).resolve() / "lowest.txt"
    constraint.write_text("\n".join(lower_bounds()) + "\n")
    install(session, "tests", constraint=constraint)
    session.run("pytest", *WORKERS, "-m", "not docs", *session.posargs)


def lower_bounds() -> list[str]:
    """Pin every direct dependency, those of the extras included, to its lower bound in pyproject.toml."""
    project = PROJECT["project"]
    lines = [line for group in project["optional-dependencies"].values() for line in group] + project["dependencies"]
    requirements = [Requirement(line) for line in lines]
    return [
        f"{requirement.name}=={re.search(r'>=([^,]+)', str(requirement.specifier))[1]}"
        for requirement in requirements
        if requirement.name != project["name"]
    ]


BENCHMARKS = ["calls", "engines", "decode", "cold", "uploads"]


@nox.session
def bench(session: nox.Session) -> None:
    """Run all benchmarks or those named; `quick` shortens them, `reference` updates the committed figures."""
    install(session, "bench")
    named = [word for word in session.posargs if word in BENCHMARKS]
    options = [word for word in session.posargs if word not in BENCHMARKS]
    for name in named or BENCHMARKS:
        session.run("python", "-m", f"benchmarks.{name}", *options)


@nox.session(name="bench-ratios", python=list(PYTHONS))
def bench_ratios(session: nox.Session) -> None:
    """Compare the micro-benchmarks of the hot path with the committed baseline of each Python; under a minute each."""
    install(session, "tests", "micro")
    session.run("pytest", "benchmarks/test_micro.py", *session.posargs)
