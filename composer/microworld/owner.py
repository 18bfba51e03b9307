"""What a text says of one person: prose and rows about who has what are made of these."""

from __future__ import annotations

from dataclasses import dataclass

from composer.microworld.language import plural
from composer.microworld.lexicon import Person, Thing, article, upper_first


@dataclass(frozen=True)
class Owner:
    """One person of a scene with a thing, its colour, a place and a number."""

    who: Person
    thing: Thing
    colour: str
    spot: str
    count: str

    @property
    def item(self) -> str:
        return f"{self.colour} {self.thing.name}"

    def fill(self, frame: str, other: Owner | None = None) -> str:
        """`frame` with this person's words; {v...} are those of `other`, who is claimed to be meant."""
        a, o = article(self.item), other or self
        return frame.format(
            name=self.who.name, a=a, A=upper_first(a), thing=self.thing.name, item=self.item, colour=self.colour, count=self.count,
            many=plural(self.thing.name), spot=self.spot, Spot=upper_first(self.spot), vname=o.who.name, vthing=o.thing.name,
            vitem=o.item, vcolour=o.colour, vcount=o.count, vspot=o.spot, vmany=plural(o.thing.name),
        )  # fmt: skip
