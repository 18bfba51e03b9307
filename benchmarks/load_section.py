"""The load's section of docs/benchmarks.md: between its own marks, whatever else the page holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START, END = "<!-- load -->", "<!-- /load -->"


def write_section(page: Path, result: dict[str, Any]) -> None:
    text = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    page.parent.mkdir(exist_ok=True)
    page.write_text(with_section(text, section(result)), encoding="utf-8")


def with_section(text: str, new: str, marks: tuple[str, str] = (START, END)) -> str:
    """The page with this section, which holds the marks, in the place of the old one, or at its end."""
    start, end = marks
    if start not in text:
        return f"{text.rstrip()}\n\n{new}\n"
    before, _, rest = text.partition(start)
    return before + new + rest.partition(end)[2]


def section_of(text: str) -> str:
    """The section as it stands in a page, marks included; "" without one. For whoever writes the page anew."""
    return START + text.partition(START)[2].partition(END)[0] + END if START in text else ""


def section(result: dict[str, Any]) -> str:
    from benchmarks.machine import commit, processor

    memory = result["memory_mib"]
    full, errors = sum(result["queue_full"].values()), sum(result["errors"].values())
    rows = "\n".join(
        f"| {what} | {result[key]['p50']:,.0f} | {result[key]['p95']:,.0f} | {result[key]['max']:,.0f} |"
        for what, key in (
            ("neighbours on show", "neighbours_ms"),
            ("all answers on show", "whole_ms"),
            ("`/healthz`", "healthz_ms"),
        )
    )
    return f"""{START}
## Many visitors at once

{result["visitors"]} visitors on the bank that ships for {result["seconds"]:.0f} s, on loopback, through the page's own
routes (`make load`). Each asks the bank's own examples and reads for {result["think_seconds"]:g} s in the
mean between an answer and the next question; one model worker serves all of them, so most of a wait is the queue.
A visitor who leaves after some questions closes the page, and the next one opens it anew. The visitors ran on the same
processor as the server; `/healthz` was asked once a second, from a process of its own. Measured
{datetime.now(UTC):%Y-%m-%d} at commit `{commit() or "unknown"}` on {processor()}, {os.cpu_count()} cores, with a
load of {result["load_before"]} before the run.

| milliseconds from the press of Compare | p50 | p95 | longest |
|---|---:|---:|---:|
{rows}

{result["answers"]:,} answers ({result["answers_per_minute"]:,.0f} a minute) in {result["sessions"]:,} sessions;
{errors} errors; {full} times "queue is full". Memory of the server: {memory["start"]:,} MiB at the start,
{memory["end"]:,} MiB at the end. Growth over the first half, in which the caches fill: {_grown(memory["first_half"])}.
Over the second half: {_grown(memory["second_half"])}.
{END}"""


def _grown(by: dict[str, float]) -> str:
    return f"{by['per_100_answers']:+.1f} MiB in 100 answers ({by['per_minute']:+.1f} MiB a minute)"
