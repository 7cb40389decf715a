"""What case.json says, as typed records. A part that is not there yet is None; nothing is read or written here."""

from dataclasses import dataclass
from typing import Any

from fdcore.answers.views import ViewSpec
from fdcore.case.plan import Plan
from fdcore.method.selection import SelectionSettings
from fdcore.suspect.preprocess import Origins, PreprocessSpec
from fdcore.suspect.scan import ScanReport
from fdcore.verdict.chance import Chance


@dataclass(frozen=True)
class EvidenceFacts:
    """The suspect's file as it was taken in.

    Attributes:
        name: what it was called.
        file: what it is called in the case's evidence folder.
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
        n_classes: how many classes it answers.
        preprocessing: what it expects at its input.
        origins: where each of these comes from; None where the case does not say, as in cases of earlier versions.
        scan: what the scanners reported; None where no file was scanned.
        class_names: what its own file calls its classes; empty where it says nothing.
    """

    description: str
    fingerprint: str
    n_classes: int
    preprocessing: PreprocessSpec
    origins: Origins | None = None
    scan: ScanReport | None = None
    class_names: tuple[str, ...] = ()

    @property
    def normalisation_is_sure(self) -> bool:
        """Whether the normalisation is known from the file or the options, and recorded as such."""
        return self.origins is not None and not self.origins.normalisation_guessed


@dataclass(frozen=True)
class CorpusFacts:
    """The pictures that the suspect was asked about.

    Attributes:
        sources: each folder in words.
        fingerprint: hex, of all pictures and their leaves.
        n_leaves, n_images: how many there are.
        store: where the decoded pictures lie in the cache.
        n_problems: files that were left out or converted.
    """

    sources: tuple[str, ...]
    fingerprint: str
    n_leaves: int
    n_images: int
    store: str = ""
    n_problems: int = 0


@dataclass(frozen=True)
class AskingFacts:
    """How the suspect was asked last, for the commands that ask it again; files and folders by their names alone.

    What is None was not recorded, or not limited. `corpora`, `hierarchy`, `arch` and `n_classes` are as in `Plan`.
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


@dataclass(frozen=True)
class Compared:
    """Which answers a comparison with untrained networks is about.

    Attributes:
        suspect, corpus: fingerprints.
        n_answered: pictures answered as they are.
    """

    suspect: str
    corpus: str
    n_answered: int


@dataclass(frozen=True)
class KeptChance(Chance):
    """A comparison with untrained networks, and the answers that it is `of`."""

    of: Compared | None = None


@dataclass(frozen=True)
class CaseFacts:
    """The content of case.json.

    Attributes:
        format: of the case's folder.
        fdcore: the version that made the case.
        created: ISO 8601, UTC.
        title: what the analyst calls it.
        archived: put away by the analyst.
        demo: whether it is the demo case.
        plan: what the analyst wants done.
        evidence, suspect, corpus, asking: what the findings rest on.
        refused: what the scanners reported where they did not let the suspect be opened.
        selection: how the answers were weighed last.
        chance: the comparison with untrained networks.
        state: "analysed" once conclusions were written.
        written: hex SHA-256 of each file of the conclusions.
        word_vectors: the word vectors used last.
        cloning: the last request for clones, as `fdcore.case.clones.last_request` reads it.
    """

    format: int = 0
    fdcore: str = ""
    created: str = ""
    title: str = ""
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
    cloning: dict[str, Any] | None = None

    @property
    def n_classes(self) -> int:
        """How many classes the suspect has; 0 before it was opened."""
        return self.suspect.n_classes if self.suspect else 0

    @property
    def description(self) -> str:
        """The suspect in a line; empty before it was opened."""
        return self.suspect.description if self.suspect else ""

    @property
    def suspect_fingerprint(self) -> str:
        """The suspect's; empty before it was opened."""
        return self.suspect.fingerprint if self.suspect else ""

    @property
    def corpus_fingerprint(self) -> str:
        """The corpus'; empty before it was read."""
        return self.corpus.fingerprint if self.corpus else ""
