"""One thing after the other, where what went before is not lost when one breaks."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter

FAILED = "failed"


def attempted(
    parts: Mapping[str, Callable[[], object]], ended: Callable[[Mapping[str, object]], object] = lambda found: None
) -> dict[str, object]:
    """What each part gives, by name. The errors of those that broke stand under "failed"; `ended` hears after each."""
    found: dict[str, object] = {}
    failed: dict[str, str] = {}
    for name, part in parts.items():
        started = perf_counter()
        try:
            found[name] = part()
        except Exception as error:  # a device's own errors have no common class, and hours may have gone before
            traceback.print_exc(file=sys.stderr)
            failed[name] = f"{type(error).__name__}: {error}"
            found[FAILED] = failed
        sys.stderr.write(f"{name}: {perf_counter() - started:.0f} s\n")
        ended(found)
    return found


def errors_in(results: Mapping[str, object]) -> tuple[str, ...]:
    """All that broke, at any depth."""
    own = results.get(FAILED, {})
    assert isinstance(own, Mapping)
    inner = [error for value in results.values() if isinstance(value, Mapping) for error in errors_in_part(value)]
    return (*(f"{name}: {error}" for name, error in own.items()), *inner)


def errors_in_part(value: Mapping[str, object]) -> tuple[str, ...]:
    return errors_in(value) if isinstance(value.get(FAILED), Mapping) else ()
