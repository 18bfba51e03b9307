"""Where the app may write, settled before any library looks for a place of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from pathlib import Path

from composer.config import AppSettings

Say = Callable[[str], None]


def settle_folders(settings: AppSettings, env: MutableMapping[str, str], say: Say) -> AppSettings:
    """The settings with a cache folder that takes files; HOME and GRADIO_TEMP_DIR in `env` likewise.

    A cache folder that was named with COMPOSER_CACHE is never replaced: whoever named it wants to hear of it.
    """
    if not env.get("COMPOSER_CACHE") and not takes_files(settings.cache_dir):
        fallback = temporary_folder()
        say(f"{settings.cache_dir} cannot be written: using {fallback}. Set COMPOSER_CACHE to choose another folder.")
        settings = replace(settings, cache_dir=fallback)
    if not env.get("HOME") or not os.access(env["HOME"], os.W_OK | os.X_OK):
        # The Hub's files, matplotlib's fonts, Triton's kernels: all of them go below the home folder unless told.
        home = settings.cache_dir / "home"
        if takes_files(home):
            env["HOME"] = str(home)
    # Not the system's temporary folder: there another user may own a folder of the same name.
    env.setdefault("GRADIO_TEMP_DIR", str(settings.cache_dir / "gradio"))
    return settings


def takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def temporary_folder() -> Path:
    """The same one at every start, so that an index is built once; a new one where somebody else has that name."""
    folder = Path(tempfile.gettempdir()) / f"adapter-composer-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        mine = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
    except OSError:
        mine = False
    return folder if mine else Path(tempfile.mkdtemp(prefix="adapter-composer-"))
