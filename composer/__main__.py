"""`python -m composer`."""

from __future__ import annotations

import os
import sys

from composer.cli import main


def run() -> int:
    for stream in (sys.stdout, sys.stderr):
        # JSON is UTF-8 wherever it is piped to, and no question makes printing fail.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = main()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # `… | head` has read enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(run())
