"""The phases of each kind of job, from what its case holds, so that a page can announce them before they come.

The seconds per unit are rough; those that were measured on the same suspect or machine take their place. The engine is
imported only when a worker asks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout
from fdcore.jobs.estimate import Phase

if TYPE_CHECKING:
    from fdcore.case.case import Case
    from fdcore.case.plan import Plan

OPENING = "Opening the suspect"
N_UNTRAINED = 12  # networks, as `fdcore.verdict.untrained` reports them
N_WRITTEN = 8  # files of the conclusions
_DEMO_LEAF_S, _LISTING_S, _CHECKING_S, _DECODING_S, _QUERY_S = 0.15, 0.01, 2e-5, 0.002, 0.003
_OPENING_S, _WRITING_S, _PICTURE_S, _COMPARING_S = 4.0, 0.5, 0.002, 30.0


def of_check(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Checking a suspect."""
    from fdcore.work.intake import HASHING, QUERYING
    from fdcore.work.intake import OPENING as SCANNING

    return Phase(HASHING, 1, 0.5), Phase(SCANNING, 1, _OPENING_S), Phase(QUERYING, 1, 1.0)


def of_survey(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Reading the corpora: their files are counted, and decoded unless there are very many."""
    n_files = sum(_survey_of(folder).values()) or 5_000
    return Phase("Listing images", 200, _LISTING_S), Phase("Decoding images", n_files, _DECODING_S)


def of_investigation(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Scoring: opening, decoding, querying, comparing with untrained networks, writing."""
    from fdcore.answers.ledger import Ledger
    from fdcore.case.case import Case
    from fdcore.case.intake import read_test_query
    from fdcore.case.spending import budget_for_scoring

    case = Case.open(folder)
    plan, n_files, query = case.plan(), _survey_of(folder), read_test_query(case)
    most = plan.settings.images_per_leaf
    taken = [n if most is None else min(n, most) for n in n_files.values() if n]
    ledger = Ledger.open(case.path(layout.LEDGER)) if case.has(layout.LEDGER_HEADER) else None
    missing = max(sum(taken) * plan.settings.n_views - (ledger.n_answered if ledger else 0), 0)
    budget = budget_for_scoring(case, plan.settings.budget)
    if budget is not None:
        missing = min(missing, max(budget - (ledger.n_sent if ledger else 0), 0))
    speed = query.pictures_per_s if query else 0.0
    return (
        Phase(OPENING, 1, _OPENING_S),
        Phase("Listing images", len(taken), _LISTING_S),
        Phase("Checking files", sum(n_files.values()), _CHECKING_S),
        Phase("Decoding images", 0 if _is_decoded(case, params) else sum(taken), _DECODING_S),
        Phase("Querying the suspect", missing, 1 / speed if speed else _QUERY_S, own=bool(speed)),
        *_comparison(case, plan, taken, missing),
        *of_analysis(folder, params),
    )


def of_analysis(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Drawing the conclusions."""
    return (Phase("Writing results", N_WRITTEN, _WRITING_S),)


def of_clones(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Training and testing each clone, then the report."""
    from fdcore.cloning.schedule import planned_images
    from fdcore.cloning.settings import CloneRequest
    from fdcore.records import from_plain

    request = from_plain(CloneRequest, params["request"], what="the request for clones")
    names = [source.name for source in request.sources]
    n_images = planned_images(request.training, request.transfer.total)
    return (
        Phase(OPENING, 1, _OPENING_S),
        *(Phase(f"Training {name}", n_images, 0.001) for name in names),
        *(Phase(f"Testing {name}", 1_000, 0.001) for name in names),
        *of_analysis(folder, params),
    )


def of_demo(folder: Path, params: Mapping[str, Any]) -> Sequence[Phase]:
    """Drawing the demo's pictures, then all steps up to the conclusions."""
    from fdcore.demo import LEAVES
    from fdcore.demo.build import DRAWING_CORPUS, DRAWING_STICKERS

    n_images = 20 * len(LEAVES)
    return (
        Phase(DRAWING_CORPUS, n_images, _DEMO_LEAF_S / 20),
        Phase(DRAWING_STICKERS, 660, _DEMO_LEAF_S / 20),
        *of_check(folder, params),
        *of_survey(folder, params),
        Phase("Querying the suspect", 2 * n_images, _QUERY_S),
        Phase("Querying untrained networks", N_UNTRAINED, _PICTURE_S * 2_400),
        Phase("Comparing with untrained networks", 2, _COMPARING_S),
        *of_analysis(folder, params),
    )


def _comparison(case: "Case", plan: "Plan", taken: Sequence[int], missing: int) -> Sequence[Phase]:
    """The comparison with untrained networks; not in a small corpus, nor where it was made of these very answers."""
    from fdcore.verdict.chance import MAX_PICTURES, MIN_LEAVES, PER_LEAF

    several = [n for n in taken if n > 1]
    if len(several) < MIN_LEAVES or (case.facts().chance and not missing):
        return ()
    n_pictures = min(sum(min(n, PER_LEAF) for n in several), MAX_PICTURES)
    return (
        Phase("Querying untrained networks", N_UNTRAINED, _PICTURE_S * n_pictures),
        Phase("Comparing with untrained networks", 2, _COMPARING_S * n_pictures / MAX_PICTURES),
    )


def _survey_of(folder: Path) -> Mapping[str, int]:
    """Usable files, or else files, of each leaf in the case's last survey; empty where there was none."""
    from fdcore.case.case import Case
    from fdcore.case.intake import read_survey

    found = read_survey(Case.open(folder))
    return (found.n_usable or found.n_files) if found else {}


def _is_decoded(case: "Case", params: Mapping[str, Any]) -> bool:
    """Whether the pictures of the case's corpus lie in the cache."""
    from fdcore.case.conclusions import pixels_of

    return pixels_of(case, Path(params["cache"]) if params.get("cache") else None) is not None
