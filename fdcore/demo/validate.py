"""Validation of an installation: reference suspects whose truth is known, investigated here and now.

What is expected are facts of how each reference was made, never what an earlier version gave. Where floating-point
arithmetic may tip a class that lies near a limit, the expectation leaves room for it, and says so.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from fdcore import demo
from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, pixels_of
from fdcore.case.keys import load_key
from fdcore.case.plan import Plan, open_planned_hierarchy
from fdcore.case.validation import Rate, Reference, Validation, installation
from fdcore.demo.case import demo_plan, prepare_demo
from fdcore.errors import SuspectError
from fdcore.method.findings import ClassFinding, ImageTable, Scored, weigh, weigh_class
from fdcore.method.grades import MEASURED
from fdcore.method.scores import score_leaves
from fdcore.method.selection import SelectionSettings
from fdcore.progress import Progress, silent
from fdcore.suspect.runtimes import EAGER, TITLES, Runtime
from fdcore.suspect.suspect import Labels
from fdcore.verdict import ask_untrained, judge
from fdcore.work.conclude import WRITTEN
from fdcore.work.investigate import investigate, open_planned_suspect, run_plan

N_RIGHT = 9  # of ten classes: one may lie near a limit
N_LABELS = 1_000  # pictures that every runtime answers
TAKEN_AWAY = ("car", "cat")  # without their leaves, no leaf comes near the limits
UNTRAINED_SEED, UNTRAINED_IMAGES = 7, 12


class Bench:
    """The demo suspect's investigation in a temporary folder, made once for all references."""

    def __init__(self, folder: Path, progress: Progress = silent) -> None:
        self.folder, self.progress = folder, progress
        self.corpus, self.cache = folder / "corpus", folder / "cache"

    @cached_property
    def case(self) -> Case:
        """The investigation with the default settings."""
        demo.build_demo_corpus(self.corpus, progress=self.progress)
        return self.investigated("case")

    def investigated(self, name: str) -> Case:
        """One more investigation of the demo suspect."""
        prepare_demo(self.folder / name, self.corpus)
        run_plan(self.folder / name, cache=self.cache, progress=self.progress)
        return Case.open(self.folder / name)

    @cached_property
    def scored(self) -> Scored:
        """The demo suspect's answers."""
        return load_scored(self.case)

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The pictures (n_images, H, W, C) as the suspect received them."""
        pixels = pixels_of(self.case, self.cache)
        assert pixels is not None  # noqa: S101 - `case` has just decoded them
        return pixels

    @cached_property
    def classes(self) -> tuple[ClassFinding, ...]:
        """What was found for each class."""
        return weigh(self.scored, SelectionSettings()).classes

    def region(self, target: int) -> npt.NDArray[np.bool_]:
        """Which leaves show what a class was trained on."""
        concept, hierarchy = demo.TRUTH[target].concept, self.scored.hierarchy
        return np.array([concept == node or concept in hierarchy.ancestors(node) for node in self.scored.scores.nodes])

    def without(self, leaves: npt.NDArray[np.bool_]) -> Scored:
        """The same answers over a corpus that lacks some leaves."""
        scored, images = self.scored, self.scored.images
        kept = ~leaves[images.node_index]
        nodes = tuple(node for node, gone in zip(images.nodes, leaves, strict=True) if not gone)
        index = (np.cumsum(~leaves) - 1)[images.node_index[kept]].astype(np.int32)
        places = np.flatnonzero(kept).tolist()
        table = ImageTable(nodes, index, *(tuple(column[place] for place in places)
                                           for column in (images.names, images.sha256)))  # fmt: skip
        return self._scored_again(scored.answers[kept], table, scored.image_ids[kept])

    def shuffled(self) -> Scored:
        """The same answers, each given to another picture: what is shown no longer matters."""
        scored = self.scored
        order = np.random.default_rng(0).permutation(len(scored.answers))
        return self._scored_again(scored.answers[order], scored.images, scored.image_ids)

    def _scored_again(
        self, answers: npt.NDArray[np.int32], images: ImageTable, image_ids: npt.NDArray[np.uint64]
    ) -> Scored:
        scores = score_leaves(answers, images.node_index, images.nodes, self.scored.scores.n_classes, image_ids)
        return replace(self.scored, scores=scores, images=images, answers=answers, image_ids=image_ids)


def validate(progress: Progress = silent, *, by: str = "") -> Validation:
    """Run all references on this machine, in about two minutes on two cores; nothing is kept.

    What a reference raises counts as its failure. `by` is who runs it.

    Raises:
        CaseError: the analyst's key cannot be read.
    """
    load_key()  # now, and not in each reference or at the end
    references: list[Reference] = []
    with tempfile.TemporaryDirectory(prefix="fdcore-validation-") as folder:
        bench = Bench(Path(folder))
        for place, (name, expected, run) in enumerate(REFERENCES, start=1):
            bench.progress = _named(progress, f"{place} of {len(REFERENCES)}, {name}")
            try:
                found, passed = run(bench)
            except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
                found, passed = f"{type(error).__name__}: {error}", False
            references.append(Reference(name, expected, found, passed))
        rates = _rates(bench) if "classes" in vars(bench) else ()  # where they were found, right or wrong
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Validation(time, installation(), tuple(references), rates, by)


def _named(progress: Progress, name: str) -> Progress:
    return lambda stage, done, total: progress(f"{name}: {stage}", done, total)


# References: each returns what was found, and whether that is what is known


def known_classes(bench: Bench) -> tuple[str, bool]:
    """The demo suspect over the demo corpus, class by class."""
    right, wrong = _right_and_wrong(bench)
    held = [truth.name for truth in demo.TRUTH if truth.concept]
    missing = [name for name in held if name not in (*right, *wrong)]
    parts = [f"{len(right)} of {len(held)} right", f"wrong: {', '.join(wrong) or 'none'}"]
    parts += [f"not found: {', '.join(missing)}"] if missing else []
    return "; ".join(parts), len(right) >= N_RIGHT and not wrong


def absent_class(bench: Bench) -> tuple[str, bool]:
    """The classes that nothing in the corpus shows."""
    absent = [place for place, truth in enumerate(demo.TRUTH) if truth.concept is None]
    return _found(bench.scored, [bench.classes[place] for place in absent])


def taken_away(bench: Bench) -> tuple[str, bool]:
    """Classes whose leaves the corpus no longer has."""
    gone = [place for place, truth in enumerate(demo.TRUTH) if truth.name in TAKEN_AWAY]
    rest = bench.without(np.any([bench.region(place) for place in gone], axis=0))
    classes = weigh(rest, SelectionSettings()).classes
    return _found(rest, [classes[place] for place in gone])


def certain_without_truth(bench: Bench) -> tuple[str, bool]:
    """The grades of what is found for each class once the corpus lacks what it was trained on."""
    words = _false_grades(bench)
    counts = ", ".join(f"{words.count(word)} {word}" for word in MEASURED)
    return f"{len(words)} false answers of {_n_held()}: {counts}", "certain" not in words


def meaningful(bench: Bench) -> tuple[str, bool]:
    """The verdict on the demo suspect."""
    outcome = str(bench.case.read_json(layout.VERDICT)["outcome"])
    return outcome, outcome == "meaningful"


def untrained(bench: Bench) -> tuple[str, bool]:
    """The verdict on a network with random weights."""
    import torch

    from fdcore.suspect.architectures.registry import build

    weights = bench.folder / "untrained.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        torch.save(build(demo.SUSPECT_ARCH, len(demo.TRUTH)).state_dict(), weights)
    plan: Plan = demo_plan(bench.corpus)
    settings = replace(plan.settings, images_per_leaf=UNTRAINED_IMAGES)
    investigate(
        bench.folder / "untrained", weights, plan.corpora, hierarchy=open_planned_hierarchy(plan),
        open_suspect=open_planned_suspect(plan, bench.progress), cache=bench.cache, settings=settings,
        progress=bench.progress,
    )  # fmt: skip
    outcome = str(Case.open(bench.folder / "untrained").read_json(layout.VERDICT)["outcome"])
    return outcome, outcome == "meaningless"


def shuffled(bench: Bench) -> tuple[str, bool]:
    """The verdict on the demo suspect's answers, given to other pictures."""
    findings = weigh(bench.shuffled(), SelectionSettings())
    chance = ask_untrained(findings, bench.pixels, bench.progress)
    outcome = judge(findings, chance=chance).outcome
    return outcome, outcome == "meaningless"


def same_bytes(bench: Bench) -> tuple[str, bool]:
    """A second investigation of the demo suspect."""
    again = bench.investigated("again")
    differ = [name for name in WRITTEN if bench.case.path(name).read_bytes() != again.path(name).read_bytes()]
    return f"{len(WRITTEN) - len(differ)} of {len(WRITTEN)} files are the same{_listed(differ)}", not differ


def same_labels(bench: Bench) -> tuple[str, bool]:
    """The demo suspect in each runtime."""
    pictures = np.array(bench.pixels[:: max(len(bench.pixels) // N_LABELS, 1)])
    plan, runtimes = bench.case.plan(), get_args(Runtime)
    labels: dict[Runtime, Labels] = {}
    unusable: list[Runtime] = []
    for place, name in enumerate(runtimes):
        bench.progress("Querying each runtime", place, len(runtimes))
        own = replace(plan, suspect=replace(plan.suspect, runtime=name))
        try:
            labels[name] = open_planned_suspect(own, silent)(demo.SUSPECT_PATH).labels(pictures)
        except SuspectError:
            if name == EAGER:
                raise
            unusable.append(name)
    differ = {name: int((own != labels[EAGER]).sum()) for name, own in labels.items()}
    counts = "; ".join(f"{TITLES[name]}: {n:,}" for name, n in differ.items() if name != EAGER)
    not_here = f"; not usable here: {', '.join(TITLES[name] for name in unusable)}" if unusable else ""
    return f"of {len(pictures):,} labels, different from {TITLES[EAGER]}'s: {counts}{not_here}", not any(
        differ.values()
    )


def changes_are_found(bench: Bench) -> tuple[str, bool]:
    """A case of which one byte in one file was changed."""
    copy = bench.folder / "changed"
    shutil.copytree(bench.case.folder, copy)
    missed = [] if verify.check(copy).intact else ["the untouched copy"]
    for name in (layout.EVIDENCE, layout.LEDGER, layout.SELECTION, layout.REPORT, layout.AUDIT):
        path = copy / name
        path = max(path.iterdir(), key=lambda file: file.stat().st_size) if path.is_dir() else path
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
        missed += [] if not verify.check(copy).intact else [name]
        path.write_bytes(content)
    return f"5 changes, {5 - len(missed)} found{_listed(missed)}", not missed


def _n_held() -> int:
    return sum(truth.concept is not None for truth in demo.TRUTH)


def _right_and_wrong(bench: Bench) -> tuple[list[str], list[str]]:
    """The names of the classes that were found right and wrong, of those that the corpus shows.

    Right is an answer all of whose leaves lie below what the class was trained on.
    """
    right: list[str] = []
    wrong: list[str] = []
    for place, (truth, found) in enumerate(zip(demo.TRUTH, bench.classes, strict=True)):
        if truth.concept and (winner := found.selection.winner):
            (right if bench.region(place)[list(winner.members)].all() else wrong).append(truth.name)
    return right, wrong


def _false_grades(bench: Bench) -> list[str]:
    """The grade of each answer that a class still gets over a corpus without what it was trained on."""
    held = [place for place, truth in enumerate(demo.TRUTH) if truth.concept]
    again = (weigh_class(bench.without(bench.region(place)), SelectionSettings(), place) for place in held)
    return [each.grade.word for each in again if each.grade]


def _found(scored: Scored, classes: Sequence[ClassFinding]) -> tuple[str, bool]:
    """What was found for some classes, in words, and whether it is nothing."""
    names = {each.selection.target_class: each.selection.winner for each in classes}
    parts = [
        f"{demo.TRUTH[target].name}: {', '.join(scored.labels(winner.members)) if winner else 'not found'}"
        for target, winner in names.items()
    ]
    return "; ".join(parts), not any(names.values())


def _listed(names: Sequence[str]) -> str:
    return f"; not {', '.join(names)}" if names else ""


def _rates(bench: Bench) -> tuple[Rate, ...]:
    """How often the demo suspect's classes were answered right, wrong and falsely."""
    right, wrong = _right_and_wrong(bench)
    return (
        Rate("right, of the classes that the corpus shows", len(right), _n_held()),
        Rate("wrong, of the same", len(wrong), _n_held()),
        Rate("an answer, of the classes once the corpus lacks them", len(_false_grades(bench)), _n_held()),
    )


Run = Callable[[Bench], tuple[str, bool]]
REFERENCES: Sequence[tuple[str, str, Run]] = (
    (
        "demo suspect",
        f"each class's answer lies below what it was trained on: at least {N_RIGHT} of {_n_held()} right, none wrong",
        known_classes,
    ),
    ("demo suspect, the class that the corpus does not show", "not found", absent_class),
    ("demo suspect, verdict", "meaningful", meaningful),
    (f"demo corpus without the leaves of {' and '.join(TAKEN_AWAY)}", "these classes are not found", taken_away),
    ("demo corpus without what each class was trained on", "no answer is graded certain", certain_without_truth),
    ("untrained network", "meaningless", untrained),
    ("answers given to other pictures", "meaningless", shuffled),
    ("the same investigation again", "the same bytes in every result", same_bytes),
    ("each runtime", "the same labels", same_labels),
    ("a changed byte in a case", "found in every file", changes_are_found),
)
