"""What a run found, in a sentence that its trace supports: what the base says, and what the merges make of it."""

from __future__ import annotations

from collections.abc import Sequence

from composer.types import Trace
from composer.ui.answers import Answer, answers_of
from composer.ui.options import short

OPTION_CHARS = 44
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
REFERENCE_WORDS = {"top1": "the heaviest adapter alone", "uniform": "the uniform merge"}

Parts = list[str | int]
"""Words, and numbers of options that are still to be named."""


def finding(trace: Trace, methods: Sequence[str], gold: int | None = None) -> str:
    """The headline. Where `gold` is known, the options that it names are called right or wrong."""
    base, references, merges = _sorted(trace, methods)
    parts = [*_base(base), *_merges(base, merges), *_beside_all(merges, references), *_failures(merges), "."]
    return _spoken(parts, trace.query.options, gold)


def beside(trace: Trace, methods: Sequence[str], gold: int | None = None) -> str:
    """What the references say where the merges do not agree, so that no headline could place them; else empty."""
    _, references, merges = _sorted(trace, methods)
    decided = _decided(references)
    if not decided or _common(merges) is not None:
        return ""
    parts: Parts = []
    for option, names in _camps(decided):
        parts += [f"{'; ' if parts else ''}{_listed(names)}: ", option]
    return _spoken([*parts, "."], trace.query.options, gold)


def progress(trace: Trace, methods: Sequence[str]) -> str:
    """What stands in the headline's place until all have answered."""
    _, _, merges = _sorted(trace, methods)
    done = sum(merge.reply is not None for merge in merges)
    if not done:
        return f"Asking the base model and {_counted(len(merges))} …"
    if done < len(merges):
        return f"{NUMBERS[done].capitalize()} of {_counted(len(merges))} {'has' if done == 1 else 'have'} answered …"
    return "Asking the heaviest adapter alone, for comparison …"


def _sorted(trace: Trace, methods: Sequence[str]) -> tuple[Answer, list[Answer], list[Answer]]:
    base, *others = answers_of(trace, methods)
    return base, [one for one in others if not one.is_merge], [one for one in others if one.is_merge]


def _base(base: Answer) -> Parts:
    if base.is_tied or base.failure:
        return ["Base: undecided, an exact tie. " if base.is_tied else "The base model failed. "]
    return [] if base.chosen is None else ["Base: ", base.chosen, ". "]


def _merges(base: Answer, merges: list[Answer]) -> Parts:
    answered = [one for one in merges if one.prediction]
    if not answered:
        return ["No merge answered"]
    camps = _camps(_decided(answered))
    flips = [(option, names) for option, names in camps if option != base.chosen]
    stays = [names for option, names in camps if option == base.chosen]
    parts = _flips(flips, base, len(answered))
    for names in stays:
        parts += _clause(parts, _group(names, len(answered), last=bool(flips)), _verb("stay", names))
    tied = [one.title for one in answered if one.is_tied]
    if tied:
        parts += _clause(parts, _group(tied, len(answered)), f"{'is' if len(tied) == 1 else 'are'} tied")
    return parts


def _flips(camps: list[tuple[int, list[str]]], base: Answer, total: int) -> Parts:
    """Of a base that has no answer nobody can turn away."""
    parts: Parts = []
    for option, names in camps:
        verb = _verb("choose" if base.chosen is None else "flip", names)
        if not parts:
            parts += [f"{_group(names, total)} {verb} {'' if base.chosen is None else 'to '}", option]
        else:
            parts += [f", {_small(_group(names, total))} {'' if base.chosen is None else 'to '}", option]
    return parts


def _failures(merges: list[Answer]) -> Parts:
    """Last, so that nothing else is said of those that failed."""
    failed = [one.title for one in merges if one.failure]
    return [f"; {_small(_group(failed, len(merges)))} failed"] if 0 < len(failed) < len(merges) else []


def _clause(before: Parts, who: str, does: str) -> Parts:
    return [f"; {_small(who)} {does}" if before else f"{who} {does}"]


def _beside_all(merges: list[Answer], references: list[Answer]) -> Parts:
    """Merges that agree are held against the references."""
    common, decided = _common(merges), _decided(references)
    if common is None or not decided:
        return []
    others = [(option, names) for option, names in _camps(decided) if option != common]
    if not others:
        return [f", as {'does' if len(decided) == 1 else 'do'} {_listed([_words(one) for one in decided])}"]
    answered = sum(one.prediction is not None for one in merges)
    parts: Parts = [f", and {'disagrees' if answered == 1 else 'disagree'} with "]
    for number, (option, names) in enumerate(others):
        parts += [f"{', and with ' if number else ''}{_listed(names)}, which {_verb('say', names)} ", option]
    return parts


def _common(merges: list[Answer]) -> int | None:
    """The option that all merges which answered chose."""
    answered = [one for one in merges if one.prediction]
    chosen = {one.chosen for one in answered}
    return chosen.pop() if len(chosen) == 1 else None


def _decided(answers: Sequence[Answer]) -> list[Answer]:
    return [one for one in answers if one.chosen is not None]


def _camps(decided: Sequence[Answer]) -> list[tuple[int, list[str]]]:
    """(option, the titles of those who chose it), the largest camp first, then as they stand on the page."""
    camps: dict[int, list[str]] = {}
    for one in decided:
        if one.chosen is not None:
            camps.setdefault(one.chosen, []).append(_words(one))
    return sorted(camps.items(), key=lambda camp: -len(camp[1]))


def _words(one: Answer) -> str:
    return one.title if one.is_merge else REFERENCE_WORDS.get(one.name, one.title)


def _group(names: list[str], total: int, *, last: bool = False) -> str:
    """Who they are: all, the two or three words that name them, or how many. `last` are all that were not named."""
    if len(names) == total > 1:
        return "Both merges" if total == 2 else f"All {_counted(total)}"
    if len(names) <= 2:
        return _listed(names)
    return f"The other {NUMBERS[len(names)]}" if last else _counted(len(names)).capitalize()


def _counted(count: int) -> str:
    return f"{NUMBERS[count] if count < len(NUMBERS) else count} merge{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _verb(verb: str, names: list[str]) -> str:
    return verb if len(names) > 1 else f"{verb}s"


def _small(who: str) -> str:
    """Within a sentence. A method's title keeps its capital."""
    return who[0].lower() + who[1:] if who.startswith(("The other", "All ", "Both ")) or who.endswith("merges") else who


def _spoken(parts: Parts, options: Sequence[str], gold: int | None) -> str:
    texts = short(options, OPTION_CHARS)
    words, named = "", set()
    for part in parts:
        if isinstance(part, str):
            words += part
            continue
        mark = "" if gold is None or part in named else " (right)" if part == gold else " (wrong)"
        words += f"“{texts[part].rstrip(' .')}”{mark}"
        named.add(part)
    return words[:1].upper() + words[1:]
