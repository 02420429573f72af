"""The script `livechat-customer`.

Not in the package: the import of a package takes long enough to press Ctrl-C, which would print a traceback.
"""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line. Ctrl-C while it is imported exits quietly."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # not where Ctrl-C is ignored, as under nohup
        signal.signal(signal.SIGINT, _exit)
    from livechat_customer_async.cli import main as run  # noqa: PLC0415 - the slow part

    signal.signal(signal.SIGINT, handler)
    run()


def _exit(_signal: int, _frame: FrameType | None) -> None:
    os._exit(130)
