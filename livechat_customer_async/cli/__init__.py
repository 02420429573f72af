"""The command line `livechat-customer`.

It needs the extra `cli`: `pip install "livechat-customer-async[cli]"`. Importing this package does not load the extra.
"""

import io
import sys
from typing import Final

__all__ = ["main"]

_EXTRA: Final = frozenset({"click", "rich", "shellingham", "typer"})


def main() -> None:
    """Run the command line with the arguments of the process, then exit."""
    try:
        from ._app import app  # noqa: PLC0415 - a missing extra is reported in one line
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        sys.stderr.write(
            f"error: the command line requires {missing}, which is not installed; "
            'run: pip install "livechat-customer-async[cli]"\n'
        )
        sys.exit(2)
    # Print "?" for characters that the terminal's encoding lacks instead of failing.
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        stdout.reconfigure(errors="replace")
    app()
