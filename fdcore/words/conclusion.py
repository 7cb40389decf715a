"""The result for all claims in a sentence, the same on the page, in the report and on the command line."""

from collections import Counter
from collections.abc import Sequence

from fdcore.words.similarity import BY_HAND, ClassSimilarity

PROVES_LITTLE = "The vectors were made from the hierarchy itself, so this proves little"
NOT_AS_A_WHOLE = {
    "undecided": "The verdict over all classes is undecided: the names of the classes count only if it is meaningful.",
    "meaningless": "By the verdict over all classes nothing here is meaningful, so agreement in words means nothing.",
}  # by the verdict's outcome


def claims_in_words(rows: Sequence[ClassSimilarity]) -> str:
    """How many claims agree with what the method found, as one sentence of plain text.

    A class whose answer was chosen by hand does not count, because the choice may follow the claim.
    """
    if not rows:
        return "There are no claims yet."
    judged = Counter(row.judgement for row in rows if row.compared)
    if n_compared := judged.total():
        n_differ, n_unclear = judged["does not agree"], judged["unclear"]
        claims = "claim agrees" if n_compared == 1 else "claims agree"
        text = f"{judged['agrees']:,} of {n_compared:,} {claims} with what was found"
        text += f", {n_differ:,} {'does' if n_differ == 1 else 'do'} not" if n_differ else ""
        text += f", {n_unclear:,} {'is' if n_unclear == 1 else 'are'} unclear" if n_unclear else ""
    else:
        text = "None of the claims could be compared with a finding"
    if n_chosen := sum(row.judgement == BY_HAND for row in rows):
        whose = "class is left out because its answer was"
        whose = whose if n_chosen == 1 else "classes are left out because their answers were"
        text += f"; {n_chosen:,} {whose} chosen by hand"
    return f"{text}."


def why_little(rows: Sequence[ClassSimilarity], *, independent: bool, outcome: str) -> list[str]:
    """Why agreeing claims prove less than they seem to, in sentences of plain text; empty where no claim was compared.

    Args:
        rows: the claims.
        independent: whether the word vectors are independent of the hierarchy by their own description.
        outcome: of the verdict over all classes; see `fdcore.verdict`.
    """
    if not any(row.compared for row in rows):
        return []
    caveats = [] if independent else [f"{PROVES_LITTLE}: load others."]
    return caveats + ([NOT_AS_A_WHOLE[outcome]] if outcome in NOT_AS_A_WHOLE else [])
