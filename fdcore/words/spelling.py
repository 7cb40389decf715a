"""The ways an English word may be written in a vocabulary: case, hyphens, singular and plural."""

import re
from collections.abc import Iterator

_SEPARATOR = re.compile(r"[-_ \u2010-\u2015]+")
_JOINTS = ("-", "_", " ", "")

# Singular and plural.
_IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "tooth": "teeth",
    "goose": "geese", "mouse": "mice", "louse": "lice", "ox": "oxen", "die": "dice", "leaf": "leaves",
    "wolf": "wolves", "calf": "calves", "half": "halves", "elf": "elves", "shelf": "shelves", "loaf": "loaves",
    "thief": "thieves", "sheaf": "sheaves", "knife": "knives", "wife": "wives", "life": "lives", "hoof": "hooves",
    "scarf": "scarves", "wharf": "wharves", "dwarf": "dwarves", "gas": "gases", "lens": "lenses", "iris": "irises",
    "canoe": "canoes", "oboe": "oboes", "toe": "toes", "hoe": "hoes", "shoe": "shoes", "axe": "axes",
    "quiz": "quizzes", "cactus": "cacti", "fungus": "fungi", "alga": "algae", "larva": "larvae",
    "vertebra": "vertebrae", "antenna": "antennae", "criterion": "criteria", "phenomenon": "phenomena",
    "bacterium": "bacteria", "datum": "data", "medium": "media", "appendix": "appendices", "matrix": "matrices",
    "index": "indices", "analysis": "analyses", "crisis": "crises", "oasis": "oases", "movie": "movies",
    "pie": "pies", "tie": "ties", "genie": "genies", "collie": "collies", "prairie": "prairies",
}  # fmt: skip
_COMPOUND = ("man", "woman", "child", "foot", "tooth", "goose", "mouse", "leaf", "wolf", "shelf", "knife", "wife",
             "shoe", "toe")  # fmt: skip
_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}
_HISSING = ("s", "x", "z", "ch", "sh")


def spellings(token: str) -> Iterator[str]:
    """The possible spellings of a token in a vocabulary, closest first, each once.

    In this order: unchanged, in lower, title and upper case; the same with hyphens, underscores or spaces exchanged
    for each other or left out; the same for the other number, singular or plural.
    """
    seen = set()
    for form in _forms(token):
        for spelling in (form, form.lower(), form.title(), form.capitalize(), form.upper()):
            if spelling not in seen:
                seen.add(spelling)
                yield spelling


def other_numbers(word: str) -> tuple[str, ...]:
    """The possible singulars and plurals of a lower-case English word, the likeliest first."""
    for table in (_IRREGULAR, _SINGULAR):
        if word in table:
            return (table[word],)
    return tuple(dict.fromkeys((*_compounds(word), *_singulars(word), *_plurals(word))))


def _forms(token: str) -> Iterator[str]:
    joined = [token, *_rejoined(token)]
    yield from joined
    for form in joined:
        head, tail = _last_part(form)
        yield from (head + other for other in other_numbers(tail.lower()))


def _rejoined(token: str) -> list[str]:
    parts = [part for part in _SEPARATOR.split(token) if part]
    return [joint.join(parts) for joint in _JOINTS] if len(parts) > 1 else parts


def _last_part(form: str) -> tuple[str, str]:
    """The text up to and including the last separator, and the last word, which alone has a plural."""
    places = [match.end() for match in _SEPARATOR.finditer(form)]
    return (form[: places[-1]], form[places[-1] :]) if places else ("", form)


def _compounds(word: str) -> Iterator[str]:
    for singular in _COMPOUND:
        plural = _IRREGULAR[singular]
        if word.endswith(plural):
            yield word.removesuffix(plural) + singular
        elif word.endswith(singular):
            yield word.removesuffix(singular) + plural


def _singulars(word: str) -> tuple[str, ...]:
    if len(word) < 3 or not word.endswith("s") or word.endswith(("ss", "is")):
        return ()
    if word.endswith("ies") and len(word) > 4:
        return (f"{word[:-3]}y", word[:-1])
    if word.endswith(("sses", "shes", "ches", "xes", "zes")) or re.search("[^ao]uses$", word):
        return (word[:-2], word[:-1])
    if word.endswith("oes"):
        return (word[:-2], word[:-1])
    return (word[:-1],)


def _plurals(word: str) -> tuple[str, ...]:
    if not word or not word[-1].isalpha():
        return ()
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou") and len(word) > 2:
        return (f"{word[:-1]}ies",)
    if word.endswith(_HISSING):
        return (f"{word}es",)
    if word.endswith("o"):
        return (f"{word}s", f"{word}es")
    return (f"{word}s",)
