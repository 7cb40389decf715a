"""Labelled sets: which of a set's folders is which class of the suspect.

The suspect answers with numbers, and a set's folders have names. Wrong guesses make every accuracy wrong, so a guess is
declared as one, and without any basis for a guess the set measures agreement only.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

How = Literal["numbers", "names", "order", "none"]

MAX_LISTED = 5  # folders that a note names
MAX_NAME = 40  # characters of a name in a note
_NUMBER = re.compile(r"(?:(?:class|label)[ _-]?)?(\d{1,9})", re.ASCII | re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")  # letters and digits of any script
_PARTS = re.compile(r"[,;/|]")  # between the synonyms of a claim, such as "tench, Tinca tinca"


class FolderMatch(NamedTuple):
    """The folders of a labelled set, matched with the suspect's classes."""

    classes: dict[str, int]  # the suspect's class of each folder that has one
    how: How  # how they were matched; "order" is an assumption
    unmatched: tuple[str, ...]  # the folders without a class; their pictures have no label
    note: str  # the same in sentences for people; names in it come from outside


def match_folders(
    folders: Sequence[str], n_classes: int, claims: Mapping[int, str], labels: Mapping[str, str] | None = None
) -> FolderMatch:
    """Find the suspect's class of every folder of a labelled set.

    Tried in this order: all folders have the claimed name of a class; all are numbers of classes; some have a claimed
    name; there are as many folders as classes, and they are taken in sorted order, as most training code numbers them.

    Args:
        folders: the folders' own unique names, such as "n02123045", "00012" or "airplane"; they decide numbers and
            order.
        n_classes: how many classes the suspect has.
        claims: the claimed name of each class, by its number.
        labels: what a folder stands for, by its name, if that differs, such as "tabby". Both names identify a folder;
            words that two folders share identify neither.
    """
    words = {name: (labels or {}).get(name, name) for name in folders}
    named, numbered = _by_name(words, n_classes, claims), _by_number(folders, n_classes)
    if named and len(named) == len(folders):
        return _match(words, named, "names", "The folders have the claimed names of the classes.")
    if numbered:
        return _match(words, numbered, "numbers", "The folders are named by the numbers of the classes.")
    if named:
        note = f"{len(named):,} of {len(folders):,} folders have the claimed name of a class."
        return _match(words, named, "names", note)
    if folders and len(folders) == n_classes:
        return _match(words, {name: i for i, name in enumerate(sorted(folders))}, "order", _order_note(words))
    of = f"which class each of the {len(folders):,} folders is" if folders else "which class a picture belongs to"
    note = (
        f"Nothing shows {of}, so only agreement can be measured. Name the folders of the set by the numbers of the "
        "classes (0, 1, 2 and so on), or add claims for the classes."
    )
    return FolderMatch({}, "none", tuple(folders), note)


def _match(words: Mapping[str, str], classes: dict[str, int], how: How, note: str) -> FolderMatch:
    unmatched = tuple(name for name in words if name not in classes)
    if unmatched:
        listed = _listed([_shown(name, words[name]) for name in unmatched[:MAX_LISTED]], len(unmatched))
        note = f"{note} Without a class, and so without a label: {listed}."
    return FolderMatch(classes, how, unmatched, note)


def _order_note(words: Mapping[str, str]) -> str:
    first = [_shown(name, words[name]) for name in sorted(words)[:2]]
    example = f"{first[0]} is taken as class 0" + (f", {first[1]} as class 1" if first[1:] else "")
    return (
        f"Assumption: the folders, sorted by name, are the classes in order ({example}). If the suspect's own accuracy "
        "is no better than chance, the assumption is wrong."
    )


def _by_number(folders: Sequence[str], n_classes: int) -> dict[str, int]:
    """Folders as numbers of classes if all of them are, without duplicates; otherwise {}."""
    numbers = [int(match[1]) if (match := _NUMBER.fullmatch(name)) else n_classes for name in folders]
    all_right = len(set(numbers)) == len(numbers) and all(number < n_classes for number in numbers)
    return dict(zip(folders, numbers, strict=True)) if all_right else {}


def _by_name(words: Mapping[str, str], n_classes: int, claims: Mapping[int, str]) -> dict[str, int]:
    """The class of every folder whose words identify exactly one; words shared with another folder do not count."""
    exact, loose = _name_tables(claims, n_classes)
    keys = {name: dict.fromkeys((_key(name), _key(label))) for name, label in words.items()}
    taken = Counter(key for own in keys.values() for key in own)
    found = {}
    for name, own in keys.items():
        classes = (_class_of(key, exact, loose) for key in own if taken[key] == 1)
        targets = {target for target in classes if target is not None}
        if len(targets) == 1:
            found[name] = targets.pop()
    return found


def _name_tables(claims: Mapping[int, str], n_classes: int) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """Classes by their claimed names, and by those names and their singulars."""
    exact, loose = defaultdict(set), defaultdict(set)
    for target, claim in claims.items():
        if 0 <= target < n_classes:
            for key in {_key(part) for part in (claim, *_PARTS.split(claim))} - {""}:
                exact[key].add(target)
                for form in _forms(key):
                    loose[form].add(target)
    return exact, loose


def _class_of(key: str, exact: Mapping[str, set[int]], loose: Mapping[str, set[int]]) -> int | None:
    """The only class of this name: by the same spelling if there is one, otherwise by singular and plural."""
    targets = exact.get(key) or set().union(*(loose.get(form, set()) for form in _forms(key)))
    return next(iter(targets)) if len(targets) == 1 else None


def _key(name: str) -> str:
    """A name without the differences between spellings: case, underscores, hyphens, punctuation."""
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", name).casefold()))


def _forms(key: str) -> Iterable[str]:
    """A key and its possible singulars, except those of irregular plurals."""
    yield key
    for ending, singular in (("ies", "y"), ("es", ""), ("s", "")):
        if key.endswith(ending) and not key.endswith("ss") and len(key) > len(ending) + 1:
            yield key.removesuffix(ending) + singular


def _listed(shown: Sequence[str], n: int) -> str:
    more = n - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else ", ".join(shown)


def _shown(name: str, label: str) -> str:
    """A folder's name for display: short and without control characters."""
    return _quoted(name) if label == name else f"{_quoted(name)} ({_quoted(label)})"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…")
