"""The content of case.json as typed records; a part that does not exist yet is None."""

from dataclasses import dataclass
from typing import Any

from fdcore.answers.views import ViewSpec
from fdcore.case.plan import Plan
from fdcore.method.adaptive import Adaptive
from fdcore.method.selection import WITHOUT_LIMITS, SelectionSettings
from fdcore.suspect.cell.cell import CellReport
from fdcore.suspect.preprocess import NORMALISATION, PREPARED, PRESETS, Assumption, Origins, PreprocessSpec, with_preset
from fdcore.suspect.runtimes import RuntimeTrial
from fdcore.suspect.scan import ScanReport
from fdcore.texts import Kind
from fdcore.verdict.chance import Chance

NORMALISATION_WORD = "normalisation"
_TOGETHER = {"height": "size", "width": "size", **dict.fromkeys(NORMALISATION, NORMALISATION_WORD)}


@dataclass(frozen=True)
class EvidenceFacts:
    """The suspect's file as it was taken into the case.

    Attributes:
        name: its original name.
        file: its name in the case's evidence folder.
        sha256: hex, on intake.
        size: in bytes.
    """

    name: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SuspectFacts:
    """The suspect as it was opened.

    Attributes:
        description: one line for people; nothing is read back from it.
        fingerprint: hex SHA-256 over the file and everything that changes an answer.
        origins: where the architecture and the preprocessing come from; None in cases of earlier versions.
        scan: the scanners' report; None where no file was scanned.
        class_names: the names that its own file gives its classes; empty where it gives none.
        title, notes: as in `Suspect`; empty in cases of earlier versions.
        format: the kind of its file, a name of `Format`; empty in cases of earlier versions.
        cell: how the process that read and ran it was closed; None where it ran in ours.
        assumptions, weights: as in `Suspect`; empty in cases of earlier versions.
    """

    description: str
    fingerprint: str
    n_classes: int
    preprocessing: PreprocessSpec
    origins: Origins | None = None
    scan: ScanReport | None = None
    class_names: tuple[str, ...] = ()
    title: str = ""
    notes: tuple[str, ...] = ()
    cell: CellReport | None = None
    format: str = ""
    assumptions: tuple[Assumption, ...] = ()
    weights: str = ""

    @property
    def reading_is_sure(self) -> bool:
        """Whether architecture and normalisation are recorded as known from the file or the options."""
        return self.origins is not None and not self.origins.guess_decides

    @property
    def doubt(self) -> str:
        """What was guessed, in a sentence; empty where architecture and normalisation are sure."""
        if self.reading_is_sure:
            return ""
        if self.origins is None:
            return "This case does not record whether the preprocessing was guessed."
        return f"Guessed, as neither the file nor the options say it: {', '.join(map(title, self.guessed))}."

    @property
    def guessed(self) -> tuple[str, ...]:
        """The parts that were guessed and matter; a grey input has no order of channels."""
        parts = self.origins.guessed if self.origins else ()
        return tuple(part for part in parts if part != "order" or self.preprocessing.channels > 1)

    @property
    def open_guesses(self) -> tuple[str, ...]:
        """Everything about it that was guessed or assumed, in a few words each. Untrusted text."""
        named = dict.fromkeys(_TOGETHER.get(part, title(part)) for part in self.guessed)
        preset = next(
            (f": {name}" for name in PRESETS if with_preset(self.preprocessing, name) == self.preprocessing), ""
        )
        guesses = (f"{name} guessed{preset if name == NORMALISATION_WORD else ''}" for name in named)
        return (*guesses, *(f"{one.what} assumed: {one.value}" for one in self.assumptions))


def title(part: str) -> str:
    return {"n_classes": "number of classes", "order": "channel order"}.get(part, part.replace("_", " "))


@dataclass(frozen=True)
class CorpusFacts:
    """The pictures that the suspect was queried with.

    Attributes:
        sources: each folder in words.
        fingerprint: hex, of all pictures and their leaves.
        store: the key of the decoded pictures in the cache.
        n_problems: files that were left out or converted.
        folders: the name of each folder; empty in cases of earlier versions.
    """

    sources: tuple[str, ...]
    fingerprint: str
    n_leaves: int
    n_images: int
    store: str = ""
    n_problems: int = 0
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecidedFacts:
    """What adaptive asking decided; the counts are of pairs of a class and a leaf, as in `Outcome`."""

    error: float
    finished: bool
    n_planned: int
    n_above: int
    n_below: int
    n_near: int


@dataclass(frozen=True)
class AskingFacts:
    """How the suspect was last queried, for the commands that query it again; files and folders by their names alone.

    None stands for not recorded, or not limited. `corpora`, `hierarchy`, `arch`, `n_classes`, `output` and `runtime`
    are as in `Plan`, `adaptive` as in `Settings`; `names` is the table of its named leaves; `decided` is None where
    asking was not adaptive, or had to stop before its end.
    """

    n_views: int | None = None
    images_per_leaf: int | None = None
    seed: int | None = None
    budget: int | None = None
    views: ViewSpec | None = None
    corpora: tuple[str, ...] = ()
    hierarchy: str | None = None
    arch: str | None = None
    n_classes: int | None = None
    output: str | None = None
    names: str | None = None
    runtime: str = "auto"
    adaptive: Adaptive | None = None
    decided: DecidedFacts | None = None


@dataclass(frozen=True)
class Compared:
    """Which answers a comparison with untrained networks is about.

    Attributes:
        suspect, corpus: fingerprints.
        n_answered: unchanged pictures that were answered.
    """

    suspect: str
    corpus: str
    n_answered: int


@dataclass(frozen=True)
class KeptChance(Chance):
    """A comparison with untrained networks, and the answers that it is `of`."""

    of: Compared | None = None


@dataclass(frozen=True)
class ReadingFacts:
    """One reading of the suspect's file that was compared with others; see `fdcore.case.readings.Reading`.

    Attributes:
        close: whether its answers say as much as the best reading's, within the error; true for the best.
    """

    name: str
    fingerprint: str
    close: bool
    alike: float
    label_set: str

    @property
    def condition(self) -> str:
        """That it is right, as the beginning of a sentence."""
        prepared, *rest = self.name.split(", ")
        more = f" ({', '.join(rest)})" if rest else ""
        return f"If the pictures were {PREPARED.get(prepared, 'prepared as the file was opened')}{more}"


@dataclass(frozen=True)
class ValidationFacts:
    """The validation of the installation that held when a case's conclusions were drawn.

    Attributes:
        sha256: of the record's file; empty where there was none.
        time: ISO 8601, UTC, of the validation.
        n_passed, n: references that gave what is known of them, of all.
        signer: fingerprint of the key that signed it; empty where nobody did.
        doubts: why it may not hold for this case, in a few words each.
    """

    sha256: str = ""
    time: str = ""
    n_passed: int = 0
    n: int = 0
    signer: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all references passed, and nothing speaks against it."""
        return bool(self.sha256) and self.n_passed == self.n and not self.doubts

    @property
    def in_words(self) -> str:
        """In one or two sentences, without the hash."""
        if not self.sha256:
            return " ".join(["This installation had no valid record of a validation.", *self.doubts])
        failed = self.n - self.n_passed
        came = f"{failed} of {self.n} references failed" if failed else f"all {self.n} references passed"
        signed = f"signed by {self.signer}" if self.signer else "not signed"
        held = f" It may not hold here: {'; '.join(self.doubts)}." if self.doubts else ""
        return f"Validated on {self.time[:10]}: {came}; {signed}.{held}"


@dataclass(frozen=True)
class CaseFacts:
    """The content of case.json.

    Attributes:
        fdcore: the version that made the case.
        created: ISO 8601, UTC.
        refused: the scanners' report where they kept the suspect from being opened.
        selection: how the answers were last weighed.
        chance: the comparison with untrained networks.
        examiner, exhibit: who investigates, and the exhibit's number, as the analyst gave them; empty where not given.
        state: "analysed" once conclusions were written.
        written: hex SHA-256 of each file of the conclusions.
        word_vectors: the word vectors last chosen; "" for the built-in ones.
        readings: readings of the file that were compared, the best first.
        runtime: what computed the suspect's answers last, and how the others did.
        cloning: the last request for clones, as `fdcore.case.clones.last_request` reads it.
        agency, number: who the examiner works for, and the case's number there; empty where not given.
        validation: what held when the conclusions were drawn; None in cases of earlier versions.
    """

    format: int = 0
    fdcore: str = ""
    created: str = ""
    title: str = ""
    examiner: str = ""
    exhibit: str = ""
    archived: bool = False
    demo: bool = False
    plan: Plan | None = None
    evidence: EvidenceFacts | None = None
    suspect: SuspectFacts | None = None
    corpus: CorpusFacts | None = None
    asking: AskingFacts | None = None
    refused: ScanReport | None = None
    selection: SelectionSettings | None = None
    chance: KeptChance | None = None
    state: str = ""
    written: dict[str, str] | None = None
    word_vectors: str | None = None
    readings: tuple[ReadingFacts, ...] = ()
    runtime: RuntimeTrial | None = None
    cloning: dict[str, Any] | None = None
    agency: str = ""
    number: str = ""
    validation: ValidationFacts | None = None

    @property
    def _readings(self) -> tuple[ReadingFacts | None, tuple[ReadingFacts, ...]]:
        """The compared reading that is in use, and the others whose answers say as much as the best one's."""
        own = next((one for one in self.readings if one.fingerprint == self.suspect_fingerprint), None)
        return own, tuple(one for one in self.readings if one is not own and one.close)

    @property
    def open_reading(self) -> str:
        """What the verdict is conditional on: the reading in use and those as good, or better; empty without any."""
        own, others = self._readings
        if own is None or not others:
            return ""
        named = "; ".join(
            f"{one.name} ({one.alike:.0%} of them answered as in the best reading"
            f"{f', fits {one.label_set}' if one.label_set else ''})"
            for one in others[:3]
        )
        named += f"; and {len(others) - 3} more" if len(others) > 3 else ""
        as_good = "another reading is" if len(others) == 1 else f"{len(others)} other readings are"
        how = "as good on" if own.close else "better by their answers to"
        return f"{own.condition}, the following holds; {as_good} {how} the compared pictures: {named}."

    @property
    def open_guesses(self) -> tuple[str, ...]:
        """What could change the verdict and is not settled, in a few words each. Untrusted text."""
        guesses = self.suspect.open_guesses if self.suspect else ()
        own, others = self._readings
        if own is None or not others:
            return guesses
        return (*guesses, f"another reading is {'as good' if own.close else 'better'}")

    @property
    def kind(self) -> Kind:
        """What the suspect takes; pictures until it was opened."""
        return self.suspect.preprocessing.kind if self.suspect else "picture"

    @property
    def n_classes(self) -> int:
        """The suspect's number of classes; 0 before it was opened."""
        return self.suspect.n_classes if self.suspect else 0

    @property
    def description(self) -> str:
        """The suspect in one line; empty before it was opened."""
        return self.suspect.description if self.suspect else ""

    @property
    def suspect_fingerprint(self) -> str:
        """Empty before the suspect was opened."""
        return self.suspect.fingerprint if self.suspect else ""

    @property
    def corpus_fingerprint(self) -> str:
        """Empty before the corpus was read."""
        return self.corpus.fingerprint if self.corpus else ""


def settings_as_written(settings: Any) -> Any:
    """A record's settings as plain values: those of earlier versions get what these versions meant.

    They had no limits at first, and then no half of the images that is held out; nothing was found by exclusivity.
    """
    if not isinstance(settings, dict):
        return settings
    return ({"exclusive": 1.0} if "held_out" in settings else WITHOUT_LIMITS) | settings
