"""The second half of an investigation: from the answers in a case to its findings. Asks nothing, needs no model.

`load_scored` reads a case once, `weigh` draws the conclusions in memory, `judge` says what all of them mean;
`fdcore.results` writes them down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore import artefacts
from fdcore.artefacts import ClassFinding, ImageTable
from fdcore.case import Case
from fdcore.choices import Choice, apply_choices, choices_from_json, choices_to_json, leaves_needed
from fdcore.closeness import distances
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import find_pixels
from fdcore.errors import CaseError, SettingsError
from fdcore.filtering import filter_images
from fdcore.naming import name_selection
from fdcore.scores import Scores, score_leaves
from fdcore.selection import Overall, SelectionSettings, overall, select
from fdcore.suspect.ledger import Ledger, LedgerHeader
from fdcore.verdict import Chance, Circumstances, Verdict, chance_as_dict, chance_from_dict, reach_verdict
from fdcore.verification.agreement import Agreement, rank_label_sets
from fdcore.verification.vectors import WordVectors, builtin_vectors
from fdcore.weaknesses import weaknesses

Pictures = npt.NDArray[np.uint8]

MAX_KNOWN = 3_000  # leaves whose distances are all kept in memory (36 MB)


@dataclass(frozen=True)
class Scored:
    """What a case holds once its suspect was asked: all that a conclusion can rest on. Read only.

    Attributes:
        scores: functional scores of every class and leaf.
        images: the images that were asked about.
        answers: (n_images, n_views) int32, -1 where not asked; a copy in memory.
        image_ids: (n_images,) uint64.
        hierarchy: the corpus' hierarchy.
        header: what the answers belong to.
        n_sent: queries ever sent to the suspect.
    """

    scores: Scores
    images: ImageTable
    answers: npt.NDArray[np.int32]
    image_ids: npt.NDArray[np.uint64]
    hierarchy: Hierarchy
    header: LedgerHeader
    n_sent: int

    @property
    def complete(self) -> bool:
        """Whether every planned query was answered; False when the budget ended first."""
        return bool((self.answers >= 0).all())

    @cached_property
    def _all_distances(self) -> npt.NDArray[np.float32]:
        return distances(self.hierarchy, self.scores.nodes)

    def distances(self, leaves: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """The distances (n, n) among some leaves, in steps; remembered where the corpus is small enough."""
        if len(self.scores.nodes) <= MAX_KNOWN:
            among: npt.NDArray[np.float32] = self._all_distances[np.ix_(leaves, leaves)]
            return among
        return distances(self.hierarchy, [self.scores.nodes[leaf] for leaf in leaves])

    def label(self, leaf: int) -> str:
        """What a leaf is called."""
        return self.hierarchy.label(self.scores.nodes[leaf])

    def labels(self, leaves: Any) -> list[str]:
        """What some leaves are called."""
        return [self.label(int(leaf)) for leaf in leaves]


@dataclass(frozen=True)
class Findings:
    """Everything that an analysis found.

    Attributes:
        scored: what it rests on.
        settings: how it was weighed.
        classes: one answer per class, in the order of the classes.
        overall: the whole model's L and S.
    """

    scored: Scored
    settings: SelectionSettings
    classes: tuple[ClassFinding, ...]
    overall: Overall


def load_scored(case: Case) -> Scored:
    """Read what a case's conclusions rest on.

    Raises:
        CaseError: nothing was answered yet, or parts of the case do not belong together.
    """
    ledger = Ledger.open(case.path("ledger"))
    if not ledger.n_answered:
        raise CaseError(f"The case {case.folder} holds no answer yet: run the investigation again to go on.")
    images, hierarchy = _read_corpus(case)
    corpus, suspect = case.facts().get("corpus"), case.facts().get("suspect")
    if suspect is None or suspect["fingerprint"] != ledger.header.suspect:
        raise CaseError(f"The answers in the case {case.folder} are not those of the suspect that it names.")
    same = corpus is not None and corpus["fingerprint"] == ledger.header.corpus
    if not same or len(images.names) != ledger.header.n_images:
        raise CaseError(
            f"The case {case.folder} was stopped between two corpora: run the investigation again to finish it."
        )
    answers = np.array(ledger.answers)
    return Scored(
        scores=score_leaves(answers, images.node_index, images.nodes, ledger.header.n_classes),
        images=images,
        answers=answers,
        image_ids=np.array(ledger.image_ids),
        hierarchy=hierarchy,
        header=ledger.header,
        n_sent=ledger.n_sent,
    )


def weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice] = MappingProxyType({})
) -> Findings:
    """Closeness, selection, the analyst's choices, filtering and naming. Reads and writes nothing.

    Raises:
        CaseError: a choice is about leaves or classes that the case does not have.
    """
    classes = _weigh(scored, settings, choices, None)
    return Findings(scored, settings, classes, overall(tuple(found.selection for found in classes)))


def weigh_class(
    scored: Scored,
    settings: SelectionSettings,
    target_class: int,
    choices: Mapping[int, Choice] = MappingProxyType({}),
) -> ClassFinding:
    """One class's answer, the same that `weigh` gives it, without the work for the others.

    Raises:
        CaseError: the choice for this class is about leaves that the case does not have.
    """
    own = {target_class: choices[target_class]} if target_class in choices else {}
    return _weigh(scored, settings, own, (target_class,))[0]


def judge(findings: Findings, facts: Mapping[str, Any], vectors: WordVectors | None = None) -> Verdict:
    """What all classes together say about the suspect. Reads and writes nothing.

    Args:
        findings: what was found.
        facts: the content of case.json.
        vectors: for known label sets whose names stand outside the hierarchy; None for the built-in ones.
    """
    scored = findings.scored
    return reach_verdict(
        findings.classes,
        scored.scores,
        scored.hierarchy,
        findings.settings,
        distances=scored.distances,
        agreements=label_set_agreements(findings, vectors or builtin_vectors()),
        circumstances=Circumstances(
            preprocessing_assumed="(assumed)" in str(facts.get("suspect", {}).get("description", "")),
            complete=scored.complete,
        ),
        chance=kept_chance(scored, facts),
    )


def kept_chance(scored: Scored, facts: Mapping[str, Any]) -> Chance | None:
    """The comparison with untrained networks that a case keeps; None without one, or if it is of other answers.

    Raises:
        CaseError: it is damaged.
    """
    kept = facts.get("chance")
    if not isinstance(kept, Mapping) or kept.get("of") != _compared(scored):
        return None
    return chance_from_dict(kept)


def chance_to_keep(scored: Scored, chance: Chance) -> dict[str, Any]:
    """The comparison with what it is about, for case.json."""
    return chance_as_dict(chance) | {"of": _compared(scored)}


def _compared(scored: Scored) -> dict[str, Any]:
    """What a comparison with untrained networks is about: answers to the pictures as they are."""
    header, n_answered = scored.header, int((scored.answers[:, 0] >= 0).sum())
    return {"suspect": header.suspect, "corpus": header.corpus, "n_answered": n_answered}


def label_set_agreements(findings: Findings, vectors: WordVectors) -> tuple[Agreement, ...]:
    """Which known label sets have the suspect's number of classes, and how well each agrees, the best first."""
    scored, spec = findings.scored, findings.scored.header.spec
    return rank_label_sets(
        findings.classes,
        scored.scores,
        scored.hierarchy,
        vectors,
        height=spec["height"],
        width=spec["width"],
        channels=spec["channels"],
    )


def _weigh(
    scored: Scored, settings: SelectionSettings, choices: Mapping[int, Choice], classes: Sequence[int] | None
) -> tuple[ClassFinding, ...]:
    """The answers of some classes, or of all."""
    scores, hierarchy = scored.scores, scored.hierarchy
    leaves = leaves_needed(scores, settings, choices, classes)
    among = scored.distances(leaves)
    selections = select(scores, leaves, among, settings, classes)
    selections = apply_choices(selections, choices, scores, leaves, among, settings)
    filtered = filter_images(selections, scored.answers, scored.images.node_index)
    names = [
        name_selection(hierarchy, [scores.nodes[leaf] for leaf in s.winner.members], scores.nodes) if s.winner else None
        for s in selections
    ]
    return tuple(
        ClassFinding(selection, images_of_it, name, weaknesses(selection, scores, settings))
        for selection, images_of_it, name in zip(selections, filtered, names, strict=True)
    )


# What the analyst decided


def selection_settings(case: Case) -> SelectionSettings:
    """The settings of the case's last analysis.

    Raises:
        CaseError: the case does not hold settings of this version.
    """
    try:
        return SelectionSettings(**case.facts().get("selection", {}))
    except (TypeError, SettingsError) as error:
        raise CaseError(
            f"The settings in {case.path('case.json')} are damaged ({error}). Restore it from a copy."
        ) from error


def read_choices(case: Case) -> dict[int, Choice]:
    """The answers that the analyst locked by hand, by class.

    Raises:
        CaseError: they are damaged.
    """
    return choices_from_json(case.read_json("choices.json")) if case.has("choices.json") else {}


def lock_class(folder: Path, choice: Choice) -> None:
    """Lock one class's answer; the next analysis takes it over.

    Raises:
        CaseError: the case is in use, or the choice is about leaves or a class that it does not have.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case) | {choice.target_class: choice}
        weigh(load_scored(case), selection_settings(case), choices)
        case.write_json("choices.json", choices_to_json(choices))
        case.log("class locked", asdict(choice))


def unlock_class(folder: Path, target_class: int, *, by: str = "") -> None:
    """Give a class back to the method.

    Raises:
        CaseError: the case is in use.
    """
    case = Case.open(folder)
    with case.exclusively():
        choices = read_choices(case)
        if choices.pop(target_class, None):
            case.write_json("choices.json", choices_to_json(choices))
            case.log("class unlocked", {"target_class": target_class, "by": by})


# Files


def pixels_of(case: Case, cache: Path | None) -> Pictures | None:
    """The case's decoded images (n_images, height, width, channels), or None where the cache has lost them."""
    corpus = case.facts().get("corpus")
    return find_pixels(cache, corpus.get("store", ""), corpus["n_images"]) if cache and corpus else None


def _read_corpus(case: Case) -> tuple[ImageTable, Hierarchy]:
    try:
        images = artefacts.image_table_from_parquet(case.path("corpus.parquet").read_bytes())
        return images, artefacts.hierarchy_from_parquet(case.path("hierarchy.parquet").read_bytes())
    except FileNotFoundError as error:
        raise CaseError(f"The case {case.folder} has no corpus yet: run the investigation first.") from error
    except (OSError, ValueError, KeyError) as error:
        raise CaseError(f"The corpus tables of the case {case.folder} are damaged ({error}). Run it again.") from error
