"""What all claims together come to, in a sentence: the same on the page, in the report and on the command line."""

from collections import Counter
from collections.abc import Sequence

from fdcore.words.similarity import BY_HAND, ClassSimilarity

PROVES_LITTLE = "The vectors were made from the hierarchy itself, so this proves little"
NOT_AS_A_WHOLE = {
    "undecided": "The verdict over all classes is undecided: what the classes are called counts only if the whole "
    "means something.",
    "meaningless": "By the verdict over all classes nothing here is meaningful, so words that agree say nothing.",
}  # by the verdict's outcome


def claims_in_words(rows: Sequence[ClassSimilarity]) -> str:
    """How many claims agree with what the method found, as one sentence of plain text.

    A class whose answer was chosen by hand does not count, for the choice may follow the claim.
    """
    if not rows:
        return "Nothing is claimed yet."
    judged = Counter(row.judgement for row in rows if row.compared)
    if n_compared := judged.total():
        n_differ, n_unclear = judged["does not agree"], judged["unclear"]
        claims = "claim agrees" if n_compared == 1 else "claims agree"
        said = f"{judged['agrees']:,} of {n_compared:,} {claims} with what was found"
        said += f", {n_differ:,} {'does' if n_differ == 1 else 'do'} not" if n_differ else ""
        said += f", {n_unclear:,} unclear" if n_unclear else ""
    else:
        said = "None of the claims could be compared with a finding"
    return f"{said}{_left_out(rows)}."


def why_little(rows: Sequence[ClassSimilarity], *, independent: bool, outcome: str) -> list[str]:
    """Why the claims that agree prove less than they seem to, a sentence of plain text each; none where none was
    compared.

    Args:
        rows: the claims.
        independent: whether the word vectors say of themselves that they do not come from the hierarchy.
        outcome: of the verdict over all classes; see `fdcore.verdict`.
    """
    if not any(row.compared for row in rows):
        return []
    told = [] if independent else [f"{PROVES_LITTLE}: load others."]
    return told + ([NOT_AS_A_WHOLE[outcome]] if outcome in NOT_AS_A_WHOLE else [])


def _left_out(rows: Sequence[ClassSimilarity]) -> str:
    n_chosen = sum(row.judgement == BY_HAND for row in rows)
    if not n_chosen:
        return ""
    if n_chosen == 1:
        return "; 1 class is left out because its answer was chosen by hand"
    return f"; {n_chosen:,} classes are left out because their answers were chosen by hand"
