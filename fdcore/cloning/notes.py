"""What is missing, filled or left out in a transfer set, as sentences for people. Labels in them come from outside."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fdcore.answers.ledger import NOT_ASKED
from fdcore.cloning.run import ClassTransfer
from fdcore.cloning.settings import TransferSettings

MAX_SENTENCES = 5  # notes of one kind with a sentence each; more are summarised in one sentence
MAX_LISTED = 5  # classes that such a sentence names
MAX_LABEL = 60  # characters of a name in a note


def found_notes(shares: Sequence[ClassTransfer], found: npt.NDArray[np.bool_], settings: TransferSettings) -> list[str]:
    """What the classes of a finding lack."""
    scarce = [one for one in shares if found[one.target_class] and one.n_images + one.n_filled < one.wanted]
    strays = [share for share in shares if not found[share.target_class]]
    notes = [*_scarce_notes(scarce), *_other_leaves_note([one for one in shares if found[one.target_class]])]
    if strays and settings.not_found == "random":
        notes += _filled_notes(strays)
    elif strays:
        notes.append(f"Not found and left out: {_classes(strays)}.")
    if idle := [share for share in shares if not share.wanted and found[share.target_class]]:
        notes.append(f"A total of {settings.total:,} is too small for all classes: {_classes(idle)} got no share.")
    n_rows = sum(share.n_rows for share in shares)
    return [*notes, *([_short_of(n_rows, settings.total)] if n_rows < settings.total else [])]


def doubt_notes(doubtful: Mapping[str, Sequence[ClassTransfer]], settings: TransferSettings) -> list[str]:
    """Classes whose answer is uncertain, by the limit that its interval reaches below."""
    done = "counted as not found" if settings.uncertain == "set aside" else "used anyway; it can be set aside"
    return [
        f"The interval of the score reaches below {limit} in {_classes(shares)}: {done}."
        for limit, shares in doubtful.items()
        if shares
    ]


def _scarce_notes(scarce: Sequence[ClassTransfer]) -> list[str]:
    """Classes with too few images of their own."""
    if len(scarce) <= MAX_SENTENCES:
        return [
            f"Class {named(share)}: {_counted(share.n_images, 'image')}"
            + (f" and {_counted(share.n_views, 'view')} of them" if share.n_views else "")
            + f"; {share.wanted:,} were wanted."
            for share in scarce
        ]
    views = [share.n_views for share in scarce]
    return [
        f"Too few images in {_classes(scarce)}: {_span([share.n_images for share in scarce])} each"
        + (f", and {_span(views)} views of them" if any(views) else "")
        + f"; {_span([share.wanted for share in scarce])} were wanted."
    ]


def _other_leaves_note(shares: Sequence[ClassTransfer]) -> list[str]:
    """Images beside the found leaves."""
    filled = [share for share in shares if share.n_filled]
    if not filled:
        return []
    n = sum(share.n_filled for share in filled)
    return [f"Beside the found leaves, {_counted(n, 'image')} of other leaves in {_classes(filled)}."]


def _filled_notes(strays: Sequence[ClassTransfer]) -> list[str]:
    """Classes that were not found, and their images from the whole corpus."""
    if len(strays) <= MAX_SENTENCES:
        return [
            f"Class {share.target_class} was not found: {_counted(share.n_filled, 'image')} of the whole corpus that "
            f"the suspect puts there; {share.wanted:,} were wanted."
            for share in strays
        ]
    return [
        f"Not found: {_classes(strays)}. {_span([share.n_filled for share in strays])} images of the whole corpus each "
        f"that the suspect puts there; {_span([share.wanted for share in strays])} were wanted."
    ]


def total_note(n_rows: int, n_views: int, total: int) -> list[str]:
    """Too few rows, or rows that are views; none of a set that is complete and has no views."""
    if not n_views:
        return [_short_of(n_rows, total)] if n_rows < total else []
    rows_in_words = f"{_counted(n_rows - n_views, 'image')} and {_counted(n_views, 'view')} of them"
    return [f"There are {rows_in_words}; {total:,} images were wanted."]


def _short_of(n_rows: int, total: int) -> str:
    return f"The set has {_counted(n_rows, 'row')} in all; {total:,} were wanted."


def none_note(shares: Sequence[ClassTransfer]) -> list[str]:
    """Classes without a row."""
    empty = [share for share in shares if not share.n_rows]
    return [f"The suspect puts none of these images in {_classes(empty)}."] if empty else []


def unasked_note(itself: npt.NDArray[np.int32]) -> list[str]:
    """Images without an answer."""
    n_unasked = int((itself == NOT_ASKED).sum())
    if not n_unasked:
        return []
    return [f"The suspect was never queried with {n_unasked:,} of {_counted(len(itself), 'image')}; they are left out."]


def _classes(shares: Sequence[ClassTransfer]) -> str:
    """ "class 3 (dog)", "classes 1 and 3 (dog)", "120 classes (1, 3 (dog), 4, 5, 6 and 115 more)"."""
    names = [named(share) for share in shares]
    if len(names) == 1:
        return f"class {names[0]}"
    if len(names) <= MAX_LISTED:
        return f"classes {', '.join(names[:-1])} and {names[-1]}"
    more = len(names) - MAX_LISTED
    return f"{len(names):,} classes ({', '.join(names[:MAX_LISTED])} and {more:,} more)"


def named(share: ClassTransfer) -> str:
    """ "3 (dog)", or the number alone."""
    label = " ".join(share.label.split())
    short = label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…"
    return f"{share.target_class} ({short})" if short else str(share.target_class)


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}" if n < 2 else f"{n:,} {what}s"


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
