"""Scoring a case on a cluster: the workers get its evidence, and this process keeps ledger, budget and log."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from fdcore.answers.asking import Pixels, Strategy
from fdcore.answers.ledger import Ledger
from fdcore.answers.ray_workers import LOCAL, ray_workers
from fdcore.answers.shards import ask_in_shards
from fdcore.case.case import Case
from fdcore.case.plan import SuspectOptions
from fdcore.errors import SettingsError
from fdcore.progress import Progress
from fdcore.records import to_plain
from fdcore.suspect.open import SERVICE
from fdcore.suspect.suspect import Suspect


@dataclass(frozen=True)
class Cluster:
    """Where the shards of a run are answered.

    Attributes:
        address: of a Ray cluster; "local" starts one on this machine alone.
        shards: the address of a folder that all its machines see, which keeps finished shards until they are in the
            ledger; empty for one in the cache, which other machines do not see.
    """

    address: str = LOCAL
    shards: str = ""

    @classmethod
    def of(cls, case: Case, environment: Mapping[str, str] = os.environ) -> "Cluster | None":
        """The cluster that the dashboard's server scores a case on (FDCORE_RAY, FDCORE_SHARDS); None for itself."""
        address = environment.get("FDCORE_RAY")
        return cls(address, environment.get("FDCORE_SHARDS", "")) if address and not why_not_share(case) else None

    def place(self, case: Case, suspect: Suspect, cache: Path) -> str:
        """The folder of this case's shards alone."""
        folder = case.folder.resolve()
        own = hashlib.sha256(f"{folder}\n{suspect.fingerprint}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        above = self.shards if "://" in self.shards else str(Path(self.shards or cache / "shards").absolute())
        return f"{above.rstrip('/')}/{own}"


def why_not_share(case: Case) -> str:
    """Why workers cannot open the case's suspect; empty if they can."""
    evidence = case.facts().evidence
    if evidence is None:
        return "A cluster's machines open the suspect's file, but this suspect has none. Leave out --engine ray."
    if evidence.name.endswith(SERVICE):
        return "A suspect behind an address is queried from one machine, at its own rate. Leave out --engine ray."
    return ""


def require_shared(case: Case) -> None:
    """Check that workers can open the case's suspect.

    Raises:
        SettingsError: they cannot.
    """
    if reason := why_not_share(case):
        raise SettingsError(reason, key="no file for workers")


def ask_cluster(
    cluster: Cluster, case: Case, suspect: Suspect, ledger: Ledger, pixels: Pixels, *, options: SuspectOptions,
    cache: Path, budget: int | None, strategy: Strategy, progress: Progress,
) -> None:  # fmt: skip
    """`ask_suspect` by a cluster's workers; the log says in how many shards, and what computed the answers.

    Raises:
        FdError: as `ray_workers` and `ask_in_shards`; what was answered is kept.
    """
    evidence = case.evidence()
    with ray_workers(cluster.address, evidence.path, evidence.sha256, asdict(options), suspect) as workers:
        how = ask_in_shards(
            workers, ledger, pixels, batch_size=suspect.batch_size, place=cluster.place(case, suspect, cache),
            budget=budget, strategy=strategy, progress=progress,
        )  # fmt: skip
    case.log("shards answered", to_plain(how))
