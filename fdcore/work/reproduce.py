"""Reproduction: the same suspect investigated again with another seed or corpus, in a case of its own beside the first.

A replay shows that the results follow from the recorded answers; a reproduction shows that they do not hang on which
pictures were drawn.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from fdcore.case.case import Case
from fdcore.case.casebook import checked_title
from fdcore.case.conclusions import load_scored, read_choices, selection_settings
from fdcore.case.plan import open_planned_hierarchy
from fdcore.errors import CaseError, SettingsError
from fdcore.method.findings import ClassFinding, Findings, weigh
from fdcore.progress import Progress, silent
from fdcore.work.investigate import investigate, no_empty_case, open_planned_suspect


@dataclass(frozen=True)
class Reproduced:
    """One class in the case and in its reproduction.

    Attributes:
        target_class: its number.
        here, there: what was found; "" for nothing.
        l_here, l_there: L, None for nothing.
        common: the part of both answers' leaves together that is in both, 0..1, of leaves that both corpora have; 1
            where both found nothing, None where no such leaf is in an answer.
    """

    target_class: int
    here: str
    there: str
    l_here: float | None
    l_there: float | None
    common: float | None

    @property
    def agrees(self) -> bool:
        """Whether both found nothing, or most of their leaves are the same."""
        return self.common is not None and self.common >= 0.5


def reproduce(
    folder: Path,
    out: Path,
    *,
    seed: int,
    corpora: tuple[str, ...] = (),
    cache: Path,
    progress: Progress = silent,
) -> tuple[Reproduced, ...]:
    """Investigate a case's suspect again, and compare what is found class by class; the case's log has the counts.

    Args:
        folder: the case, which has conclusions.
        out: the folder of the reproduction's case; an unfinished one is continued.
        seed: of the views and the choice of images.
        corpora: other image folders, each "DIR" or "DIR@NODE"; none for the same ones.
        cache: where decoded images are kept.
        progress: a listener.

    Raises:
        CaseError: the case has no conclusions or no suspect's file.
        SettingsError: neither seed nor corpus differs.
        FdError: as of an investigation.
    """
    case = Case.open(folder)
    plan, own = case.plan(), weigh(load_scored(case), selection_settings(case), read_choices(case))
    if not case.facts().evidence:
        raise CaseError(f"The case {folder} has no suspect's file that could be queried again.", key="no suspect file")
    if seed == plan.settings.seed and corpora in ((), plan.corpora):
        raise SettingsError(
            f"A reproduction needs another seed than {seed}, or another corpus; `fdcore replay` repeats the same.",
            key="nothing differs",
        )
    settings = replace(plan.settings, seed=seed, selection=selection_settings(case))
    plan = replace(plan, settings=settings, corpora=corpora or plan.corpora)
    with no_empty_case(out):
        found = investigate(
            out, case.evidence().path, plan.corpora, hierarchy=open_planned_hierarchy(plan),
            open_suspect=open_planned_suspect(plan, progress), cache=cache, settings=settings, plan=plan,
            progress=progress,
        )  # fmt: skip
    rows, again = compare(own, found), Case.open(out)
    again.record(title=checked_title(f"{case.facts().title or folder.resolve().name}, reproduced with seed {seed}"))
    again.log("case named", {"reproduction_of": folder.resolve().name})
    details = {"case": out.resolve().name, "seed": seed, "n_agree": sum(row.agrees for row in rows), "n": len(rows)}
    case.log("findings reproduced", details)
    return rows


def compare(own: Findings, other: Findings) -> tuple[Reproduced, ...]:
    """What two investigations of one suspect found for each class."""
    both = set(own.scored.scores.nodes) & set(other.scored.scores.nodes)
    rows = []
    for number, (here, there) in enumerate(zip(own.classes, other.classes, strict=True)):
        (name, l_here, one), (other_name, l_there, two) = _answer(own, here), _answer(other, there)
        union = (one | two) & both
        common = len(one & two) / len(union) if union else None if one or two else 1.0
        rows.append(Reproduced(number, name, other_name, l_here, l_there, common))
    return tuple(rows)


def _answer(findings: Findings, found: ClassFinding) -> tuple[str, float | None, set[str]]:
    winner = found.selection.winner
    if winner is None or found.name is None:
        return "", None, set()
    return found.name.label, winner.functional, {findings.scored.scores.nodes[leaf] for leaf in winner.members}
