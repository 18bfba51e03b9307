"""Seconds from pressing Compare until the first chart has changed, for visitors who all press at once; and of top-p.

python -m benchmarks.first_chart --visitors 5 --rounds 5 [--json] [--address http://…]

Each visitor is a page of its own in one Chromium, with a question of its own; without an address the bank that ships is
served in another process. The time is taken within the pages, so the browser's own work on the charts is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update".split()
BAR, TOP_P_BAR = 1.5, 0.4
THINGS = ("lantern", "kettle", "drum", "ladder", "pillow", "carrot", "hammer", "violin", "bucket", "candle")
PLACES = ("buy", "find", "keep", "repair", "return")
# The chart is the map: it carries the neighbours, which differ from one question to the next.
PRESS = """(at) => {
  const before = document.querySelector('.ac-map').dataset.near;
  setTimeout(() => {
    const start = performance.now();
    document.querySelector('#ac-compare').click();
    const look = () => document.querySelector('.ac-map')?.dataset.near !== before
      ? requestAnimationFrame(() => { window.took = (performance.now() - start) / 1000 }) : setTimeout(look, 5);
    look();
  }, at - Date.now());
  window.took = null;
}"""

# The cut on the ribbon carries top-p; ribbon and list are redrawn by the same answer.
MOVE = """(value) => {
  window.moved = null;
  const start = performance.now();
  const slider = document.querySelector('#ac-top-p input[type=range]');
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  const look = () => document.querySelector('.ac-cut')?.textContent === `top-p ${value.toFixed(2)}`
    ? requestAnimationFrame(() => { window.moved = (performance.now() - start) / 1000 }) : setTimeout(look, 5);
  look();
}"""


def main() -> int:
    arguments = _arguments()
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        sys.stderr.write(f"No browser: none of {', '.join(CHROMIUM)} is on the PATH. Install Chromium.\n")
        return 1
    with _served(arguments.address) as address:
        rounds, moves = _measure(path, address, arguments.visitors, arguments.rounds)
    seconds = sorted(second for one in rounds for second in one)
    result = {
        "visitors": arguments.visitors,
        "rounds": arguments.rounds,
        "median_seconds": round(statistics.median(seconds), 3),
        "slowest_seconds": round(seconds[-1], 3),
        "bar_seconds": BAR,
        "top_p_slowest_seconds": round(max(moves), 3),
        "top_p_bar_seconds": TOP_P_BAR,
        "met": seconds[-1] <= BAR and max(moves) <= TOP_P_BAR,
    }
    words = f"{result['visitors']} visitors at once: first chart after {result['median_seconds']} s (median), "
    words += f"{result['slowest_seconds']} s (slowest); bar {BAR} s\n"
    words += f"top-p moved: ribbon redrawn after {max(moves):.3f} s (slowest of {len(moves)}); bar {TOP_P_BAR} s"
    print(json.dumps(result) if arguments.json else words)
    return 0 if result["met"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.first_chart", description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--address", help="of a page that runs already")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(chromium: str, address: str, visitors: int, rounds: int) -> tuple[list[list[float]], list[float]]:
    """(seconds to the first chart per round and visitor, seconds to the new ribbon per move of top-p)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        pages = [browser.new_context().new_page() for _ in range(visitors)]
        for page in pages:
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_selector(".ac-map[data-ready]")
        _round(pages, 0)  # the first one warms the encoder and the pages
        first_charts = [_round(pages, number) for number in range(1, rounds + 1)]
        return first_charts, [_move(pages[0], value) for value in (0.3, 0.95, 0.5, 0.7, 0.2)]


def _round(pages: list[Page], number: int) -> list[float]:
    for i, page in enumerate(pages):
        thing = THINGS[(number * len(pages) + i) % len(THINGS)]
        question = f"Where would you {PLACES[number % len(PLACES)]} visitor {i}'s {thing}?"
        page.locator("#ac-question textarea").fill(question)
        page.locator("#ac-options textarea").fill("in a shop\nat home\nin the garden")
    at = time.time() * 1000 + 1_000
    for page in pages:
        page.evaluate(PRESS, at)
    for page in pages:
        page.wait_for_function("window.took !== null")
        # the models' answers must be there before the next round presses again
        page.wait_for_function("!document.querySelector('#ac-answers [aria-busy]')")
    return [page.evaluate("window.took") for page in pages]


def _move(page: Page, value: float) -> float:
    page.evaluate(MOVE, value)
    page.wait_for_function("window.moved !== null")
    return page.evaluate("window.moved")


@contextmanager
def _served(address: str | None) -> Iterator[str]:
    if address:
        yield address
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "COMPOSER_BANK": ""}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            if urllib.request.urlopen(address, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("The page could not be served: python app.py says why.")


if __name__ == "__main__":
    sys.exit(main())
