"""Growing a corpus with generated pictures: from a general node to specific ones, by the scores (paper section 6.1)."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.generated import GeneratedSet, read_generated, write_generated
from fdcore.case.plan import open_hierarchy
from fdcore.case.spending import budget_left
from fdcore.corpus.generated import check_template, folder_of_leaf, generated_leaf, prompt_of
from fdcore.corpus.generator import NOTHING_DRAWN, Made, Order, run_command, watch_folder
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import NamedLeaf
from fdcore.errors import CaseError, GeneratorError, SettingsError
from fdcore.method.findings import Scored
from fdcore.method.narrowing import Tried, best_of, next_step
from fdcore.progress import Progress, silent
from fdcore.records import names_only
from fdcore.work.investigate import run_plan

MAX_COUNT = 10_000
_LIMITS = {"count": (1, MAX_COUNT), "max_rounds": (1, 24), "max_nodes": (1, 100), "timeout_s": (1, 86_400),
           "seed": (0, 2**31 - 1)}  # fmt: skip


@dataclass(frozen=True)
class GrowRequest:
    """What is generated.

    Attributes:
        below: a node's id or unambiguous name.
        command: the generator's arguments (`fdcore.corpus.generator.parse_command`); empty to watch a folder.
        watch: the folder that something else fills, with a folder for each leaf in it; "" to run a command.
        template: of the prompts, with {name} and {gloss}.
        count: pictures of each node.
        seed: of the generator.
        target_class: the class whose score leads; None for the one that most of the first round's views are put in.
        max_rounds, max_nodes: the most rounds, and the most nodes of a round.
        timeout_s: seconds for the pictures of one node.
    """

    below: str
    command: tuple[str, ...] = ()
    watch: str = ""
    template: str = "a photo of a {name}"
    count: int = 20
    seed: int = 0
    target_class: int | None = None
    max_rounds: int = 4
    max_nodes: int = 8
    timeout_s: float = 600.0

    def __post_init__(self) -> None:
        check_template(self.template)
        if bool(self.command) == bool(self.watch):
            raise SettingsError("Give a command (or set FDCORE_GENERATOR), or a folder to watch.", key="no generator")
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise SettingsError(
                    f"{name} must lie between {low} and {high}, not {getattr(self, name)}.", key="setting out of range"
                )


@dataclass(frozen=True)
class Grown:
    """How a corpus grew.

    Attributes:
        rounds: the nodes of each round and their scores, as far as they were sent.
        labels: the label of each node.
        target_class: the class whose score led; None where no round was made.
        n_pictures: generated pictures that the case now holds.
        why: why there was no further round, in the words of a sentence.
    """

    rounds: tuple[tuple[Tried, ...], ...]
    labels: dict[str, str]
    target_class: int | None
    n_pictures: int
    why: str

    @property
    def in_words(self) -> str:
        """In one or two sentences. Untrusted text: it holds labels."""
        if not self.rounds:
            return f"Nothing was generated: {self.why}."
        way = ", then ".join(f"{self.labels[best.node]} {best.score:.2f}" for best in map(best_of, self.rounds))
        return f"Best in class {self.target_class}, round by round: {way}. It ended because {self.why}."


def grow(folder: Path, request: GrowRequest, *, cache: Path, by: str = "", progress: Progress = silent) -> Grown:
    """Generate pictures of a node, score them, continue with the children of the node that scored best, and so on.

    The same call continues where an earlier one stopped: pictures that the case has are not generated again, and
    nothing is sent twice.

    Args:
        folder: a case with a suspect's file.
        request: what is generated.
        cache: where decoded images are kept.
        by: who asks for it, for the record.
        progress: a listener.

    Raises:
        SettingsError: the class is not one of the suspect's, or the suspect takes texts.
        GeneratorError: the generator fails or leaves no usable picture; what it printed is in the audit log.
        FdError: as for `fdcore.work.investigate.run_plan`.
    """
    case = Case.open(folder)
    case.evidence()
    hierarchy = open_hierarchy(case.plan().hierarchy)
    below, target = hierarchy.resolve(request.below), request.target_class
    if case.facts().kind == "text":
        raise SettingsError(
            "A generator draws pictures, and this suspect takes texts. Add a folder of texts to the corpus instead.",
            key="pictures for texts",
        )
    if case.facts().suspect:
        _require_class(target, case.facts().n_classes)
    rounds: list[tuple[Tried, ...]] = []
    while True:
        step = next_step(hierarchy, below, rounds, max_rounds=request.max_rounds, max_nodes=request.max_nodes)
        nodes = _with_own_prompt(hierarchy, request, rounds, step.nodes)
        if why := step.why or _why_not(case, hierarchy, request, nodes):
            break
        number = len(rounds) + 1
        generate = partial(_generate, case, hierarchy, request, number=number, by=by, progress=progress)
        if not (nodes := _generated(nodes, generate, must=not rounds)):
            why = "the generator drew nothing of what lies below"
            break
        leaves = {generated_leaf(hierarchy, node).leaf: node for node in nodes}
        scores = _scored(case, leaves, partial(run_plan, folder, cache=cache, progress=progress)).scores
        place = [number for number, leaf in enumerate(scores.nodes) if leaf in leaves]
        if not place:
            why = "every picture that was drawn is in the corpus already"
            break
        if target is None:
            target = int(np.argmax(scores.hits[:, place].sum(axis=1)))
        _require_class(target, scores.n_classes)
        score = scores.functional[target]
        rounds.append(tuple(Tried(leaves[scores.nodes[number]], float(score[number])) for number in place))
    n_pictures = sum(len(one.pictures) for one in read_generated(case))
    labels = {tried.node: hierarchy.label(tried.node) for made in rounds for tried in made}
    return Grown(tuple(rounds), labels, target if rounds else None, n_pictures, why)


def _require_class(target: int | None, n_classes: int) -> None:
    if target is not None and not 0 <= target < n_classes:
        raise SettingsError(
            f"The suspect has no class {target}, but the classes 0 to {n_classes - 1}.", key="unknown class"
        )


def _scored(case: Case, leaves: Collection[str], ask: Callable[[], object]) -> Scored:
    """The case's answers, once they are about these leaves."""
    try:
        scored = load_scored(case)
    except CaseError:  # nothing is there yet, or a run was stopped; the next one mends that or says what is wrong
        scored = None
    if scored is None or not scored.complete or not set(leaves) <= set(scored.scores.nodes):
        ask()
        scored = load_scored(case)
    return scored


def _with_own_prompt(
    hierarchy: Hierarchy, request: GrowRequest, rounds: Sequence[Sequence[Tried]], nodes: Sequence[str]
) -> list[str]:
    """The nodes without those whose prompt another has: WordNet has two tabbies, and the same prompt draws the same."""
    given = {prompt_of(request.template, hierarchy, tried.node) for made in rounds for tried in made}
    own = {prompt_of(request.template, hierarchy, node): node for node in reversed(nodes)}
    return [node for prompt, node in reversed(own.items()) if prompt not in given]


def _why_not(case: Case, hierarchy: Hierarchy, request: GrowRequest, nodes: Sequence[str]) -> str:
    """Why these nodes get no round; "" where the budget allows one. What was sent before costs nothing."""
    if not nodes:
        return "no node below has a prompt of its own; {gloss} may tell them apart"
    settings, left = case.plan().settings, budget_left(case)
    n_new = sum(_kept(case, hierarchy, request, node) is None for node in nodes)
    n_needed = n_new * min(request.count, settings.images_per_leaf or request.count) * settings.n_views
    if left is None or n_needed <= left:
        return ""
    return f"the next round needs {n_needed:,} queries and the budget leaves {left:,}"


def _kept(case: Case, hierarchy: Hierarchy, request: GrowRequest, node: str) -> GeneratedSet | None:
    """What the case has of an earlier request for the same."""
    wanted = (node, prompt_of(request.template, hierarchy, node), request.seed, _without_folders(request.command))
    return next((one for one in read_generated(case) if (one.node, one.prompt, one.seed, one.command) == wanted), None)


def _generated(nodes: Sequence[str], generate: Callable[[str], None], *, must: bool) -> list[str]:
    """Generate the pictures of a round; returns its nodes without those that the generator draws nothing of.

    Raises:
        GeneratorError: it fails, or draws nothing of a node that `must` be drawn.
    """
    drawn = []
    for node in nodes:
        try:
            generate(node)
            drawn.append(node)
        except GeneratorError as error:
            if must or error.key != NOTHING_DRAWN:
                raise
    return drawn


def _generate(
    case: Case, hierarchy: Hierarchy, request: GrowRequest, node: str, *, number: int, by: str, progress: Progress
) -> None:
    """Have the pictures of one node made and take them into the case, with their leaf in the plan."""
    prompt, leaf = prompt_of(request.template, hierarchy, node), generated_leaf(hierarchy, node)
    if _kept(case, hierarchy, request, node):
        with case.exclusively():
            _put_in_plan(case, leaf)
        return
    order = Order(prompt, request.count, request.seed, request.timeout_s)
    known = {sha256 for one in read_generated(case) for _, sha256 in one.pictures}
    command = _without_folders(request.command)
    details = {"node": node, "prompt": prompt, "round": number, "seed": request.seed,
               "command": list(command) or "watched folder", "by": by}  # fmt: skip
    try:
        if request.command:
            made = run_command(request.command, order, known=known, progress=progress)
        else:
            place = Path(request.watch) / folder_of_leaf(leaf.leaf)
            made = watch_folder(place, order, known=known, progress=progress)
    except GeneratorError as error:
        case.log("generator failed", details | {"reason": str(error), "printed": error.printed})
        raise
    with case.exclusively():
        sets = read_generated(case)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        taken = GeneratedSet(
            node, hierarchy.label(node), leaf.leaf, number, prompt, request.seed, command, now,
            _write(case, leaf.leaf, len(sets), made), made.refused, made.printed, by,
        )  # fmt: skip
        write_generated(case, (*sets, taken))
        _put_in_plan(case, leaf)
        refused = dict(Counter(why for _, why in made.refused)) or "none"
        case.log("pictures generated", details | {"leaf": leaf.leaf, "n_pictures": len(taken.pictures),
                                                  "refused": refused, "printed": made.printed})  # fmt: skip


def _put_in_plan(case: Case, leaf: NamedLeaf) -> None:
    """Have the case's next query be about a generated leaf too; the caller holds the lock."""
    plan, own = case.plan(), str(case.path(layout.GENERATED_PICTURES).absolute())
    if own in plan.corpora and leaf in plan.leaves:
        return
    # First, as its name decides the leaves' ids; where the case was moved, its old place is left out.
    others = (text for text in plan.corpora if not text.endswith(f"/{layout.GENERATED_PICTURES}"))
    leaves = (*(one for one in plan.leaves if one.leaf != leaf.leaf), leaf)
    case.record(plan=replace(plan, corpora=(own, *others), leaves=leaves))


def _without_folders(command: Sequence[str]) -> tuple[str, ...]:
    """A command as the case keeps it: others read it, so folders of this machine are left out."""
    return tuple(names_only(list(command)))


def _write(case: Case, leaf: str, number: int, made: Made) -> tuple[tuple[str, str], ...]:
    """Write pictures into the case; the next entry of the log binds them. What killed work left there goes."""
    written, folder = [], f"{layout.GENERATED_PICTURES}/{folder_of_leaf(leaf)}"
    for left in case.path(folder).glob(f"{number:03d}-*"):
        case.remove(f"{folder}/{left.name}")
    for place, picture in enumerate(made.pictures):
        name = f"{folder}/{number:03d}-{place:04d}{picture.suffix}"
        case.write(name, picture.content)
        written.append((name, picture.sha256))
    return tuple(written)
