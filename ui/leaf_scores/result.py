"""The answers in numbers, and the page's Export menu."""

from collections.abc import Sequence
from functools import partial

from fdcore.case.case import Case
from fdcore.method.findings import Scored
from ui import exports
from ui.leaf_scores import ranking as leaf_ranking
from ui.leaf_scores import tables as leaf_tables
from ui.panels import show_numbers

_DESIGN = (
    "The number of answers that weigh as much as one independent answer. Views of one image are alike, so {views} "
    "views of it count for less than {views} images. The 95 % intervals are wider accordingly."
)


def metrics(case: Case, scored: Scored, tau: float) -> None:
    """Draw one row of numbers."""
    n_answered, n_planned = int((scored.answers >= 0).sum()), scored.answers.size
    above = int((scored.scores.functional.max(axis=1, initial=0.0) >= tau).sum())
    show_numbers(
        "scoring_metrics",
        ("Queries sent", f"{scored.n_sent:,}",
         "Every query ever sent in this case, including those whose answers were lost in a crash."),
        ("Answers", f"{n_answered:,} of {n_planned:,}"),
        ("Classes with a candidate", f"{above:,} of {scored.scores.n_classes:,}",
         f"Classes in which at least one leaf scores tau = {tau:g} or more."),
        ("Design effect", f"{scored.scores.design_effect:.1f}", _DESIGN.format(views=scored.header.n_views)),
        ("Ended", _how_it_ended(case, scored)),
    )  # fmt: skip


def _how_it_ended(case: Case, scored: Scored) -> str:
    if scored.complete:
        return "All queried"
    budget = asking.budget if (asking := case.facts().asking) else None
    return "Budget ended" if budget is not None and scored.n_sent >= budget else "Stopped early"


def take_away(
    case_id: str, scored: Scored, target_class: int, selected: Sequence[int], tau: float, names: Sequence[str]
) -> None:
    """Draw the Export menu."""
    ranked = leaf_tables.ranked_leaves(scored, target_class)
    first = target_class // leaf_ranking.CLASSES_PER_PAGE * leaf_ranking.CLASSES_PER_PAGE
    classes = range(first, min(first + leaf_ranking.CLASSES_PER_PAGE, len(names)))
    exports.export(
        f"{case_id}-leaf-scores",
        tables={
            f"Ranking for class {target_class}": partial(leaf_tables.ranking_csv, scored, target_class, selected),
            "All scores": partial(leaf_tables.all_scores_csv, scored),
        },
        figures={
            f"Best leaves for class {target_class}": partial(
                leaf_ranking.draw_ranking, scored, target_class, ranked[:50], selected, tau
            ),
            "Classes by leaves": partial(leaf_ranking.draw_overview, scored, classes, names),
        },
    )
