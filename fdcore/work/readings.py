"""Which reading of a suspect's file is right? Every one is sent the same few pictures, and their answers are compared.

What a file does not say (normalisation, channel order, size, layout) is tried one after the other: all normalisations
first, then the orders of the best of them, and so on. All queries count against the case's budget.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fdcore.answers.asking import Batch, Strategy, ask_suspect
from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.intake import write_picture
from fdcore.case.plan import Plan, SuspectOptions, open_planned_hierarchy
from fdcore.case.readings import N_SHOWN, Reading, Readings, read_readings, write_readings
from fdcore.case.records import SuspectFacts
from fdcore.case.spending import asking, require_budget
from fdcore.corpus.corpus import Corpus, open_corpus
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.store import ImageStore
from fdcore.errors import CaseError, SettingsError, SuspectError
from fdcore.method.findings import ImageTable, score, weigh
from fdcore.method.information import Information, information, is_ahead, lead
from fdcore.method.selection import SelectionSettings
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import (
    NORMALISATION,
    PRESETS,
    READING,
    Assumption,
    Origins,
    PreprocessSpec,
    sides_near,
)
from fdcore.suspect.suspect import Suspect
from fdcore.words.comparison import label_set_agreements
from fdcore.words.vectors import builtin_vectors
from fdcore.work.investigate import open_planned_suspect, take_suspect

IMAGES_PER_LEAF = 12
FIRST_LEAVES, ALL_LEAVES = 100, 400  # readings that are close after the first are sent images of more leaves
N_VIEWS = 2
MAX_ARCHITECTURES = 3
AS_OPENED = "as opened"
NOT_TAKEN = "the network takes no pictures prepared so"
_NOTHING = Information(0.0, np.zeros(0))


@dataclass(frozen=True)
class _Chosen:
    """Some pictures of a store, copied only when they are sent."""

    pixels: npt.NDArray[np.uint8]
    images: npt.NDArray[np.intp]

    def __getitem__(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
        chosen: npt.NDArray[np.uint8] = self.pixels[self.images[places]]
        return chosen


@dataclass(frozen=True)
class _Tried:
    """A reading with the answers that it is compared by.

    Attributes:
        images: places in the store of the images that it may be sent, those of the first leaves in front.
        first: what its answers about the first leaves say.
        whole: what those about all leaves say, once it was sent them.
    """

    name: str
    options: SuspectOptions
    suspect: Suspect
    ledger: Ledger
    corpus: Corpus
    images: npt.NDArray[np.intp]
    n_first: int
    n_sent_before: int
    first: Information
    whole: Information | None = None

    @property
    def rank(self) -> tuple[bool, float]:
        """Sorts the best reading last: those that were sent more leaves were close to the best."""
        return self.whole is not None, (self.whole or self.first).bits

    def ahead_of(self, other: "_Tried") -> tuple[Information, Information]:
        """What both say about the images that both were sent."""
        return (self.whole, other.whole) if self.whole and other.whole else (self.first, other.first)


def compare_readings(
    folder: Path, source: Path | None = None, *, cache: Path, by: str = "", progress: Progress = silent
) -> Readings:
    """Query the suspect in every reading that its file allows, and keep the comparison in the case.

    Args:
        folder: the case, whose plan names the corpora and what the analyst has settled.
        source: the suspect's file; None for the case's evidence.
        cache: where decoded images are kept.
        by: who requests it, for the audit log.
        progress: a listener.

    Raises:
        SuspectError: the file opens in no reading.
        SettingsError: the budget does not allow it, or the suspect takes texts.
        CorpusError: the corpus has no images.
    """
    case = Case.open(folder)
    with case.exclusively():
        plan = case.plan()
        path = source or case.evidence().path
        suspect, _ = take_suspect(case, path, open_planned_suspect(plan, silent))
        if suspect is None:
            raise SuspectError("This case replays recorded answers; there is no file to read.", key="no suspect")
        if suspect.spec.kind == "text":
            raise SettingsError(
                "Texts are sent unchanged, so no readings can be compared. Leave out --identify.",
                key="readings of texts",
            )
        bench = _Bench(case, plan, open_planned_hierarchy(plan), cache, progress)
        bench.try_all(suspect)
        found = bench.ranked(_earlier(case))
        write_readings(case, found, by=by)
    return found


def _earlier(case: Case) -> tuple[Reading, ...]:
    """The readings of an earlier comparison, or none where its record is damaged and about to be overwritten."""
    try:
        before = read_readings(case)
    except CaseError:
        return ()
    return before.readings if before else ()


class _Bench:
    """The readings tried so far."""

    def __init__(self, case: Case, plan: Plan, hierarchy: Hierarchy, cache: Path, progress: Progress) -> None:
        self._case, self._plan, self._hierarchy, self._cache = case, plan, hierarchy, cache
        self._progress = progress
        self._tried: dict[str, _Tried] = {}  # by fingerprint: two names can mean one reading
        self._not_opened: dict[str, str] = {}
        self._corpora: dict[tuple[int, int, int], Corpus] = {}

    def try_all(self, suspect: Suspect) -> None:
        """Try what the file leaves open, each question with the best answers to the questions before."""
        self._in_use = suspect.fingerprint
        self._try(AS_OPENED, self._plan.suspect, suspect)
        before = ""
        while self._best.suspect.fingerprint != before:  # another channel order may speak for another normalisation
            before = self._best.suspect.fingerprint
            for question in QUESTIONS:
                for options in question(self._best.options, suspect):
                    self._open_and_try(_name(options), options)
        best = self._best
        close = [one for one in self._tried.values() if one is best or not is_ahead(*best.ahead_of(one))]
        if len(close) > 1 and len(best.images) > best.n_first:
            for one in close:
                self._tried[one.suspect.fingerprint] = replace(one, whole=self._ask(one, len(one.images)))

    @property
    def _best(self) -> _Tried:
        return max(self._tried.values(), key=lambda one: one.rank)

    def _open_and_try(self, name: str, options: SuspectOptions) -> None:
        known = {*_name(self._best.options).split(", ")}
        new = ", ".join(part for part in name.split(", ") if part not in known) or name
        try:
            opened = open_planned_suspect(replace(self._plan, suspect=options), silent)(self._case.evidence().path)
        except SuspectError as error:
            self._not_opened[new] = NOT_TAKEN if error.key in ("size not taken", "graph fails") else str(error)
            return
        self._not_opened.pop(new, None)
        self._try(name, options, opened)

    def _try(self, name: str, options: SuspectOptions, suspect: Suspect) -> None:
        if suspect.fingerprint in self._tried:
            known = self._tried[suspect.fingerprint]
            if known.name == AS_OPENED:
                self._tried[suspect.fingerprint] = replace(known, name=name, options=options)
            return
        spec = suspect.spec
        corpus = self._corpus(spec.height, spec.width, spec.channels)
        images, n_first = _sample(corpus.store, self._plan.settings.seed)
        ids = corpus.store.image_ids[images]
        digest = hashlib.sha256(ids.tobytes()).hexdigest()
        header = LedgerHeader(
            suspect.fingerprint, suspect.n_classes, spec, digest, self._plan.settings.seed, self._plan.settings.views,
            len(ids), N_VIEWS,
        )  # fmt: skip
        place = f"{layout.READING_LEDGERS}/{suspect.fingerprint[:16]}-{digest[:16]}/ledger"
        with self._case.changing(place):
            ledger = Ledger.open_or_create(self._case.path(place), header, ids)
        tried = _Tried(name, options, suspect, ledger, corpus, images, n_first, ledger.n_sent, _NOTHING)
        self._tried[suspect.fingerprint] = replace(tried, first=self._ask(tried, n_first))

    def _corpus(self, height: int, width: int, channels: int) -> Corpus:
        """The images at one input size; most readings share it."""
        size = (height, width, channels)
        if size not in self._corpora:
            self._corpora[size] = open_corpus(
                self._plan.corpora, hierarchy=self._hierarchy, height=height, width=width, channels=channels,
                per_leaf=IMAGES_PER_LEAF, seed=self._plan.settings.seed, cache=self._cache, progress=self._progress,
            )  # fmt: skip
        return self._corpora[size]

    def _ask(self, tried: _Tried, n_images: int) -> Information:
        """Send the first images to the suspect, unless it has answered them; what its answers say."""
        ledger, store = tried.ledger, tried.corpus.store
        with asking(self._case, ledger):
            wanted = sum(len(ledger.missing(np.arange(n_images), view)) for view in range(N_VIEWS))
            require_budget(self._case, wanted, f"The reading {tried.name!r}")
            ask_suspect(
                tried.suspect, ledger, _Chosen(store.pixels, tried.images), strategy=_sweep(n_images),
                progress=self._told(f"Trying {tried.name}"),
            )  # fmt: skip
        leaves = store.node_index[tried.images[:n_images]]
        return information(np.array(ledger.answers[:n_images]), leaves, tried.suspect.n_classes)

    def _told(self, title: str) -> Progress:
        return lambda stage, done, total: self._progress(title, done, total)

    def ranked(self, before: Sequence[Reading]) -> Readings:
        """The comparison, the best reading first; readings of earlier comparisons stay at its end."""
        ranked = sorted(self._tried.values(), key=lambda one: one.rank, reverse=True)
        best, shown = ranked[0], _telling_pictures(ranked[0])
        for number, place in enumerate(shown):
            write_picture(
                self._case, layout.READING_PICTURE.format(number), best.corpus.store.pixels[best.images[place]]
            )
        sent = best.images if best.whole else best.images[: best.n_first]
        rows = [self._row(one, best, shown) for one in ranked]
        fingerprints = {row.fingerprint for row in rows}
        earlier = [row for row in before if row.fingerprint not in fingerprints]
        return Readings(
            readings=(*rows, *earlier),
            ahead=len(ranked) < 2 or is_ahead(*best.ahead_of(ranked[1])),
            n_leaves=len(np.unique(best.corpus.store.node_index[sent])), n_images=len(sent), n_views=N_VIEWS,
            pictures=tuple(best.corpus.store.names[best.images[place]] for place in shown),
            not_opened=tuple(self._not_opened.items()), in_use=self._tried[self._in_use].name,
        )  # fmt: skip

    def _row(self, tried: _Tried, best: _Tried, shown: list[int]) -> Reading:
        answers = np.array(tried.ledger.answers)
        store, images = tried.corpus.store, tried.images
        names, hashes = ([column[i] for i in images] for column in (store.names, store.sha256))
        table = ImageTable(store.nodes, store.node_index[images], tuple(names), tuple(hashes))
        scored = score(tried.ledger, table, tried.corpus.hierarchy)
        findings = weigh(scored, SelectionSettings(held_out=False))
        agreeing = next((one for one in label_set_agreements(findings, builtin_vectors()) if one.agrees), None)
        common = (answers != NOT_ASKED) & (np.array(best.ledger.answers) != NOT_ASKED)
        alike = float((answers == np.array(best.ledger.answers))[common].mean())
        behind = lead(*best.ahead_of(tried)) if tried is not best else (0.0, 0.0)
        return Reading(
            name=tried.name, options=tried.options, title=tried.suspect.title or tried.suspect.description,
            spec=tried.suspect.spec, fingerprint=tried.suspect.fingerprint, n_classes=tried.suspect.n_classes,
            bits=(tried.whole or tried.first).bits, behind=behind, alike=alike,
            n_used=len(np.unique(answers[answers != NOT_ASKED])),
            sum_l=findings.overall.functional, n_found=findings.overall.n_found,
            label_set=f"{agreeing.title}: {agreeing.n_compared} classes, mean {agreeing.mean:.2f}" if agreeing else "",
            shown=tuple(int(answers[place, 0]) for place in shown), n_queries=tried.ledger.n_sent - tried.n_sent_before,
        )  # fmt: skip


def _sample(store: ImageStore, seed: int) -> tuple[npt.NDArray[np.intp], int]:
    """The images of at most ALL_LEAVES leaves, and how many in front are of the first FIRST_LEAVES.

    Leaves are drawn by name, so that every input size has the same ones.
    """
    nodes = sorted(store.nodes)
    order = {nodes[place]: rank for rank, place in enumerate(np.random.default_rng(seed).permutation(len(nodes)))}
    ranks = np.array([order[node] for node in store.nodes])[store.node_index]
    images = np.argsort(ranks, kind="stable")[: int((ranks < ALL_LEAVES).sum())]
    return images, int((ranks < FIRST_LEAVES).sum())


def _sweep(n_images: int) -> Strategy:
    """Every view of the first images."""

    def sweep(ledger: Ledger, batch_size: int) -> Iterator[Batch]:
        for view in range(ledger.header.n_views):
            for start in range(0, n_images, batch_size):
                yield Batch(np.arange(start, min(start + batch_size, n_images)), view, next_is_independent=True)

    return sweep


def _telling_pictures(tried: _Tried) -> list[int]:
    """Places of images that the best reading answers consistently, each with another class."""
    answers = np.array(tried.ledger.answers[: tried.n_first])
    steady = np.flatnonzero((answers == answers[:, :1]).all(axis=1) & (answers[:, 0] != NOT_ASKED))
    _, first = np.unique(answers[steady, 0], return_index=True)
    return [int(place) for place in steady[np.sort(first)][:N_SHOWN]]


# What a file can leave open


class Opened(Protocol):
    """What the questions ask about a suspect."""

    @property
    def spec(self) -> PreprocessSpec: ...
    @property
    def origins(self) -> Origins: ...
    @property
    def assumptions(self) -> tuple[Assumption, ...]: ...


class _Known(NamedTuple):
    spec: PreprocessSpec
    origins: Origins
    assumptions: tuple[Assumption, ...]


Candidates = Iterator[SuspectOptions]


def _normalisations(options: SuspectOptions, suspect: Opened) -> Candidates:
    if not set(NORMALISATION) & set(suspect.origins.guessed):
        return
    rest = {key: value for key, value in options.spec_overrides.items() if key not in NORMALISATION}
    for preset in PRESETS:
        yield _guessed(replace(options, preset=preset, spec_overrides=rest), *NORMALISATION)


def _architectures(options: SuspectOptions, suspect: Opened) -> Candidates:
    """Other networks that have exactly these tensors."""
    for assumption in suspect.assumptions:
        if assumption.what == READING:
            for other in assumption.others[:MAX_ARCHITECTURES]:
                yield _guessed(replace(options, arch=other), "architecture")


def _orders(options: SuspectOptions, suspect: Opened) -> Candidates:
    if "order" in suspect.origins.guessed and suspect.spec.channels == 3:
        for order in ("RGB", "BGR"):
            yield _overridden(options, order=order)


def _layouts(options: SuspectOptions, suspect: Opened) -> Candidates:
    if "layout" in suspect.origins.guessed:
        for order in ("NCHW", "NHWC"):
            yield _overridden(options, layout=order)


def _sizes(options: SuspectOptions, suspect: Opened) -> Candidates:
    known = suspect.spec.height
    if "height" in suspect.origins.guessed and not any(one.what == READING for one in suspect.assumptions):
        for side in sides_near(known):
            yield _overridden(options, height=side, width=side)


QUESTIONS = (_normalisations, _architectures, _orders, _layouts, _sizes)


class ReadingsCost(NamedTuple):
    """What a comparison would send, before anything is sent.

    Attributes:
        n_readings: about how many; each answer may raise a further question.
        n_images: what each is sent.
        n_more: what each is sent that stays close to the best.
    """

    n_readings: int
    n_images: int
    n_more: int

    @property
    def n_queries(self) -> int:
        """With the readings that are clearly behind after the first images."""
        return self.n_readings * self.n_images * N_VIEWS

    @property
    def n_most(self) -> int:
        """If all readings stay close."""
        return self.n_readings * self.n_more * N_VIEWS


def cost_of_readings(suspect: SuspectFacts, options: SuspectOptions, n_images: Mapping[str, int]) -> ReadingsCost:
    """The cost of comparing a suspect's readings.

    Args:
        suspect: as it was opened.
        options: the plan's.
        n_images: how many each leaf has.
    """
    known = _Known(suspect.preprocessing, suspect.origins or Origins(), suspect.assumptions)
    n_readings = 1 + len([*_architectures(options, known)])
    for question in set(QUESTIONS) - {_architectures}:  # one of each is the reading as opened
        n_readings += max(len([*question(options, known)]) - 1, 0)
    taken = [min(n, IMAGES_PER_LEAF) for n in n_images.values() if n]
    mean, n_leaves = sum(taken) / max(len(taken), 1), len(taken)
    first, more = (round(mean * min(most, n_leaves)) for most in (FIRST_LEAVES, ALL_LEAVES))
    return ReadingsCost(n_readings, first, more)


def _name(options: SuspectOptions) -> str:
    """What distinguishes a reading: only what was guessed for it."""
    given = options.spec_overrides
    parts = [options.preset or AS_OPENED]
    parts += [options.arch] if options.arch and "architecture" in options.origins else []
    parts += ["BGR"] if given.get("order") == "BGR" else []
    parts += [given["layout"]] if "layout" in options.origins else []
    parts += [f"{given['width']} x {given['height']}"] if "height" in options.origins else []
    return ", ".join(parts)


def _overridden(options: SuspectOptions, **changed: Any) -> SuspectOptions:
    return _guessed(replace(options, spec_overrides={**options.spec_overrides, **changed}), *changed)


def _guessed(options: SuspectOptions, *names: str) -> SuspectOptions:
    """These options, of which the named ones are only tried."""
    return replace(options, origins={**options.origins, **dict.fromkeys(names, "guess")})
