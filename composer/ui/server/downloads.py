"""Files made for one visitor: kept on disk for some minutes, under a name that nobody can guess."""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import time

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from composer.config import AppSettings
from composer.errors import ComposerError
from composer.files import disk_of, is_full, whole_folder

PATH = "gradio_api/made/"
"""Below Gradio's own prefix: where Node stands in front, it passes on little else."""
MINUTES = 15
MAX_BYTES = 1024**3
"""Of all files together; the oldest go first."""
_PLACE = re.compile(r"(?P<token>[0-9a-f]{32})/(?P<name>[a-z0-9_.-]{1,80})")


@dataclass(frozen=True)
class Downloads:
    """Knows nothing but its folder, so that the page writes with one and the server reads with another."""

    folder: Path

    def put(self, name: str, content: bytes) -> str:
        """Its address, relative to the page's. Raises ComposerError where the folder takes no files."""
        place = self.folder / secrets.token_hex(16)
        try:
            self._make_room(len(content))
            with whole_folder(place, last=name) as beside:
                (beside / name).write_bytes(content)
        except OSError as error:
            where = f", on {disk_of(self.folder)}" if is_full(error) else ""
            raise ComposerError(
                f"{name} could not be kept for you: {error.strerror}{where}. Free some space."
            ) from error
        return f"{PATH}{place.name}/{name}"

    def route(self) -> Route:
        return Route(f"/{PATH}{{place:path}}", self._answer)

    async def _answer(self, request: Request) -> Response:
        found = _PLACE.fullmatch(request.path_params["place"])
        path = self.folder / found["token"] / found["name"] if found else None
        if path is None or not path.is_file() or path.parent.stat().st_mtime < time() - MINUTES * 60:
            return PlainTextResponse("This file is no longer here. Make it again on the page.", 404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return FileResponse(path, filename=path.name, headers=headers)

    def _make_room(self, wanted: int) -> None:
        if not self.folder.is_dir():
            return
        # another request may clear the same folder: what is gone is gone
        kept = sorted((place.stat().st_mtime, place) for place in self.folder.iterdir() if place.is_dir())
        sizes = [sum(file.stat().st_size for file in place.iterdir()) for _, place in kept]
        total, too_old = sum(sizes) + wanted, time() - MINUTES * 60
        for (made, place), size in zip(kept, sizes, strict=True):
            if made < too_old or total > MAX_BYTES:
                shutil.rmtree(place, ignore_errors=True)
                total -= size


def downloads_of(settings: AppSettings) -> Downloads:
    return Downloads(settings.cache_dir / "downloads")
