"""Settings from the environment -> the page. `python app.py`, or `make run`."""

from __future__ import annotations

import os
import sys

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.ui.server.start import start


def main() -> int:
    """Exit status 1 and one sentence where the app cannot start."""
    try:
        start(AppSettings.from_env(os.environ), os.environ)
    except ComposerError as error:
        sys.stderr.write(f"Adapter Composer cannot start: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
