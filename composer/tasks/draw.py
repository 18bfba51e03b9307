"""Choices that look random and depend on a row's name alone: the same on every machine, in any order of rows."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def ticket(seed: str, item: str) -> int:
    """A number for an item, as good as random; the lowest tickets win a draw."""
    return int.from_bytes(sha256(f"{seed}\n{item}".encode("utf-8", "surrogatepass")).digest()[:8], "big")


def draw(items: Iterable[str], count: int, seed: str) -> tuple[str, ...]:
    """`count` of the items (all, if there are fewer), in the order in which they came."""
    pool = tuple(items)
    winners = set(sorted(pool, key=lambda item: (ticket(seed, item), item))[:count])
    return tuple(item for item in pool if item in winners)


def insert_gold(gold: str, others: Iterable[str], seed: str) -> tuple[tuple[str, ...], int]:
    """The gold answer among the others, at a place that the seed decides; and that place."""
    rest = tuple(others)
    place = ticket(seed, "place of the gold answer") % (len(rest) + 1)
    return (*rest[:place], gold, *rest[place:]), place
