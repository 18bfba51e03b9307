"""Settings from the environment -> the page. `python app.py`, or `make run`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from composer.config import AppSettings  # noqa: E402
from composer.errors import ComposerError  # noqa: E402


def main() -> int:
    """Exit status 1 and one sentence where the app cannot start."""
    try:
        settings = AppSettings.from_env(os.environ)
        # gradio and torch take seconds to import; a wrong setting should not wait for them
        from composer.ui.page import serve

        serve(settings)
    except ComposerError as error:
        sys.stderr.write(f"Adapter Composer cannot start: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
