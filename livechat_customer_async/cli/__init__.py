"""The command line `livechat-customer`: a demo, a sandbox to keep running, any call, uploads.

It needs the extra `cli`: `pip install "livechat-customer-async[cli]"`. Importing this package does not import it.
"""

import io
import sys
from typing import Final

__all__ = ["main"]

_EXTRA: Final = frozenset({"click", "rich", "typer"})


def main() -> None:
    """Run the command line with the process's arguments; ends the process with an exit code."""
    try:
        from ._app import app  # noqa: PLC0415 - what is missing must be told in one line
    except KeyboardInterrupt:  # importing takes long enough to press Ctrl-C
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        sys.stderr.write(
            f"error: the command line needs {missing}, which is not installed: "
            'pip install "livechat-customer-async[cli]"\n'
        )
        sys.exit(2)
    # What a narrow encoding cannot write becomes a question mark, not a traceback.
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="replace")
    app()
