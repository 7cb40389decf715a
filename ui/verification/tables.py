"""The tables and sentences of the Verification page; nothing here draws."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import Findings
from fdcore.words.agreement import MIN_MEAN, TOO_FEW, Agreement
from fdcore.words.conclusion import claims_in_words
from fdcore.words.label_sets import LabelSet
from fdcore.words.similarity import ClassSimilarity, Judgement
from ui.text import counted, inert, listed, shortened

DIFFERS: Judgement = "does not agree"
NOT_FOUND, NO_WORD = "not found", "no known word"
MANY_KNOWN = 0.9  # share of the corpus's leaves with a known word below which the page says how many there are
MAX_FOUND_TEXT = 200  # characters of a list of leaves in a table
MAX_UNKNOWN = 60  # words without a vector that are listed below the table
_TOLERANCE = 1e-9


def judged(row: ClassSimilarity) -> str:
    """The verdict on one row of Table 4."""
    return row.judgement or (NO_WORD if row.nodes else NOT_FOUND)


def conclusion(rows: Sequence[ClassSimilarity], agreements: Sequence[Agreement], doubts: Sequence[str] = ()) -> str:
    """The conclusion from claims and known label sets, and why the claims prove less than they seem to; Markdown."""
    claimed = claims_in_words(rows)
    if any(row.compared for row in rows):
        claimed = " ".join([f"**{claimed}**", *doubts])
    if agreements and agreements[0].agrees:
        return f"{claimed} **{inert(agreements[0].title)}** agrees class for class."
    if fitting := fitting_set(agreements):
        return f"{claimed} **{inert(fitting.title)}** fits, but these are {TOO_FEW}."
    return claimed


def similarity_table(rows: Sequence[ClassSimilarity], hierarchy: Hierarchy) -> pd.DataFrame:
    """Table 4 for people, in the order of the classes; texts are not inert."""
    return pd.DataFrame(
        [
            {
                "Class": row.target_class,
                "Claimed": row.claim,
                "Found": found_text(row, hierarchy),
                "Verdict": judged(row),
                "Cosine": row.nearest.cosine if row.nearest else None,
                "Closer than": _rounded_down(row.percentile),
                "L": row.functional_score,
                "Nearest words": f"{row.nearest.claim_token} / {row.nearest.found_token}" if row.nearest else "",
                "Euclidean": row.nearest.euclidean if row.nearest else None,
                "Unknown words": ", ".join(dict.fromkeys((*row.unknown_claim, *row.unknown_found))),
            }
            for row in rows
        ],
        columns=[
            "Class", "Claimed", "Found", "Verdict", "Cosine", "Closer than", "L", "Nearest words", "Euclidean",
            "Unknown words",
        ],
    ).astype(dict.fromkeys(("Cosine", "Closer than", "L", "Euclidean"), float))  # fmt: skip


def found_text(row: ClassSimilarity, hierarchy: Hierarchy) -> str:
    """The names of the found leaves. Not inert."""
    labels = dict.fromkeys(hierarchy.label(node) for node in row.nodes)
    return shortened(", ".join(labels), MAX_FOUND_TEXT) if labels else NOT_FOUND


def unknown_words(rows: Sequence[ClassSimilarity]) -> tuple[list[str], list[str]]:
    """Words without a vector, each once: in the claims, and in the findings."""
    claimed = dict.fromkeys(word for row in rows for word in row.unknown_claim)
    found = dict.fromkeys(word for row in rows for word in row.unknown_found)
    return list(claimed), list(found)


def classes_text(classes: Sequence[int], limit: int = 20) -> str:
    """Such as "class 3" or "classes 3, 5 and 9"."""
    named = [f"{target:,}" for target in classes[:limit]]
    if len(classes) > limit:
        named.append(f"{len(classes) - limit:,} more")
    if len(named) == 1:
        return f"class {named[0]}"
    return f"classes {', '.join(named[:-1])} and {named[-1]}"


def known_leaves(rows: Sequence[ClassSimilarity], n_leaves: int) -> str:
    """How many of the corpus's leaves a percentile is based on, as a sentence; empty if nearly all."""
    n_known = min((row.n_known for row in rows if row.nearest), default=n_leaves)
    if n_known >= MANY_KNOWN * n_leaves:
        return ""
    most = max(row.n_known for row in rows if row.nearest)
    known = f"{n_known:,}" if n_known == most else f"{n_known:,} to {most:,}"
    return (
        f"{known} of {counted(n_leaves, 'leaf', 'leaves')} of the corpus can be compared with a claim; random "
        "selections are drawn only from these."
    )


def mean_percentile(rows: Sequence[ClassSimilarity]) -> float | None:
    """The mean over the rows that have one, rounded down to a hundredth."""
    known = [row.percentile for row in rows if row.percentile is not None]
    return _rounded_down(float(np.mean(known)), digits=2) if known else None


def _rounded_down(share: float | None, digits: int = 3) -> float | None:
    """Rounded down, so that 100 % means all of them."""
    scale = 10**digits
    return None if share is None else int(share * scale + _TOLERANCE) / scale


# Known label sets


def fitting_set(agreements: Sequence[Agreement]) -> Agreement | None:
    """The best set that fits, though on too few classes to convince; None if there is none or if one agrees."""
    if any(one.agrees for one in agreements):
        return None
    return next((one for one in agreements if one.fits), None)


def set_id(one: Agreement) -> str:
    """A unique id: a set may occur twice, with the extra class in front and at the end."""
    return f"{one.label_set.key} {one.offset}"


def p_text(p_value: float) -> str:
    """Such as "p = 0.0005"."""
    return f"p = {p_value:.2g}"


def agreement_table(agreements: Sequence[Agreement]) -> pd.DataFrame:
    """Known label sets of the suspect's size, a row each in the given order."""
    return pd.DataFrame(
        {
            "Known set": [one.title for one in agreements],
            "Convincing": [_convincing(one) for one in agreements],
            "Agreement": [one.mean for one in agreements],
            "p": [one.p_value for one in agreements],
            "Compared": [f"{one.n_compared:,} of {len(one.per_class):,}" for one in agreements],
            "By hierarchy": [int(one.by_node.sum()) for one in agreements],
            "Any order": [one.any_order for one in agreements],
            "Same names in": [", ".join(one.tied_with) for one in agreements],
            "About": [one.label_set.about for one in agreements],
        }
    )


def _convincing(one: Agreement) -> str:
    return "yes" if one.agrees else "numbers alone" if one.numbered else "too few classes" if one.fits else ""


def headline(agreements: Sequence[Agreement]) -> str:
    """The conclusion from the known label sets as Markdown. `agreements` holds at least one."""
    best = agreements[0]
    if best.agrees:
        compared = f"{best.n_compared:,} of {counted(len(best.per_class), 'class', 'classes')} compared"
        return f"**{inert(best.title)}** agrees class for class: {best.mean:.2f}, {p_text(best.p_value)}, {compared}."
    if best.numbered:
        return f"**No known label set agrees by what it shows.** {inert(best.in_words)}"
    if one := fitting_set(agreements):
        compared = counted(one.n_compared, "class", "classes")
        return (
            f"**{inert(one.title)} fits** ({one.mean:.2f} over {compared}, {p_text(one.p_value)}), but these are "
            f"{TOO_FEW}."
        )
    if not best.n_compared:
        return "**No known label set can be compared:** no class has a finding and a label with a word in common use."
    if best.resembles:
        return (
            f"**No known label set agrees convincingly.** {inert(best.title)} is more similar than chance would make "
            f"it ({p_text(best.p_value)}), but its agreement of {best.mean:.2f} is below the {MIN_MEAN:g} required."
        )
    return "**No known label set agrees in class order.**"


def hints(agreements: Sequence[Agreement]) -> list[str]:
    """What an analyst should know besides the headline; plain text."""
    best, notes = fitting_set(agreements) or agreements[0], []
    convinces = best.agrees or best.fits
    if convinces and best.tied_with:
        notes.append(best.tie_in_words)
    others = [one for one in agreements if one is not best and one.label_set.name not in best.tied_with]
    if also := [one.title for one in others if (one.agrees if best.agrees else one.fits)]:
        notes.append(f"{'Also convincing' if best.agrees else 'Equally good fits'}: {listed(also, 4)}.")
    shuffled = [one for one in agreements if one.any_order >= MIN_MEAN and not one.in_order]
    if shuffled and not convinces:
        one = max(shuffled, key=lambda each: each.any_order)
        notes.append(
            f"In another order the names of {one.label_set.name} would fit better ({one.any_order:.2f}). That order is "
            "chosen in hindsight, so this is a hint, not evidence."
        )
    return notes


def near_sizes(n_classes: int, sets: Sequence[LabelSet], n_near: int = 3) -> str:
    """The sizes of known sets that are closest to the suspect's. Plain text."""
    sizes = sorted({len(one) for one in sets}, key=lambda size: (abs(size - n_classes), size))[:n_near]
    parts = []
    for size in sorted(sizes):
        names = [one.name for one in sets if len(one) == size]
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        parts.append(f"{size:,} ({', '.join(names[:2])}{more})")
    return "; ".join(parts)


def claims_table(findings: Findings, claims: dict[int, str], first: int, end: int) -> pd.DataFrame:
    """Classes `first` to `end - 1` with what was found and claimed, for editing; texts are not inert."""
    classes = findings.classes[first:end]
    return pd.DataFrame(
        {
            "Class": np.arange(first, first + len(classes)),
            "Found": [found.name.label if found.name else NOT_FOUND for found in classes],
            "Claim": [claims.get(first + i, "") for i in range(len(classes))],
        }
    )
