"""The pictures of the page in docs/images, made anew: `make screenshots`.

Serves the embedded bank on a free port and photographs it with the distribution's Chromium.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
IMAGES = ROOT / "docs" / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update".split()
STATES = ("#1A7F4B", "#4AD08D")
"""The pill's dot, in both themes."""
# name, (width, height), dark
PICTURES = (
    ("page-light", (1360, 2360), False),
    ("page-dark", (1360, 2360), True),
    ("page-mobile", (390, 2400), False),
)
PREVIEW = (1200, 630)


def main() -> int:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        sys.stderr.write(f"No browser: none of {', '.join(CHROMIUM)} is on the PATH. Install Chromium.\n")
        return 1
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads it when it is imported
    from composer import Composer
    from composer.config import AppSettings
    from composer.ui.page import build_page
    from composer.ui.server.health import Health
    from composer.ui.server.launch import launch_options

    settings = AppSettings(port=_free_port())
    with closing(Composer.open(settings.bank, cache_dir=settings.cache_dir)) as composer:
        page = build_page(composer, settings)
        page.launch(**launch_options(settings, Health(settings.bank)), prevent_thread_lock=True)
        _photograph(path, f"http://127.0.0.1:{settings.port}/")
        page.close()
    return 0


def _photograph(chromium: str, address: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, size, dark in PICTURES:
            _picture(browser, address, IMAGES / f"{name}.png", size, dark=dark)
        _picture(browser, address, ROOT / "assets" / "preview.png", PREVIEW, dark=False)
        browser.close()


def _picture(browser: Browser, address: str, file: Path, size: tuple[int, int], *, dark: bool) -> None:
    from PIL import Image

    scheme = "dark" if dark else "light"
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("#ac-answers .ac-grid")
    page.wait_for_selector(".ac-map[data-ready]")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1_500)
    page.screenshot(path=file)
    context.close()
    _save_small(Image.open(file).convert("RGB"), file)
    sys.stderr.write(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1024:.0f} kB\n")


def _save_small(picture: Image.Image, file: Path) -> None:
    """With a palette that keeps the page's own colors: small dots would turn grey in one of the commonest only."""
    from PIL import Image

    from composer.ui.palette import DARK, LIGHT

    own = [*LIGHT.values(), *DARK.values(), *STATES]
    commonest = picture.quantize(256 - len(own)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(commonest[: 3 * (256 - len(own))] + [part for color in own for part in bytes.fromhex(color[1:])])
    small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    file.unlink()
    small.save(file, optimize=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
