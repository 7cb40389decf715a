"""What sources and clones are called among others, for people."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from fdcore.cloning.run import CloneRun
from fdcore.cloning.settings import Source, SourceKind

Called = Callable[[Source, str], str]  # what a source is called, given it and its name among the others


def own_name(_source: Source, name: str) -> str:
    """Its name among the others, as it is."""
    return name


def clone_titles(runs: Sequence[CloneRun], called: Called = own_name) -> dict[str, str]:
    """What each clone is called, by its id, no two the same: its source, and where that is not enough what differs.

    Args:
        runs: clones of one case.
        called: what a source is called.
    """
    names = source_names(run.source for run in runs)
    alike: dict[str, list[CloneRun]] = defaultdict(list)
    for run in runs:
        alike[called(run.source, names[run.source])].append(run)
    titles = {}
    for title, group in alike.items():
        facts = [_facts(run) for run in group]
        telling = [place for place, values in enumerate(zip(*facts, strict=True)) if len(set(values)) > 1]
        for run, fact in zip(group, facts, strict=True):
            titles[run.id] = ", ".join([title, *(fact[place] for place in telling)])
    shared = Counter(titles.values())
    return {name: title if shared[title] == 1 else f"{title}, {name}" for name, title in titles.items()}


def _facts(run: CloneRun) -> tuple[str, ...]:
    """What may tell two clones of one source apart, as words."""
    transfer, training, selection = run.transfer, run.training, run.selection
    locked = len(selection.get("locked", {}))
    return (
        f"{transfer.total:,} images",
        *(f"{name} {selection.get(name)}" for name in ("alpha", "eta", "tau", "k")),
        f"{locked} locked" if locked else "none locked",
        "not found left out" if transfer.not_found == "leave out" else "not found filled",
        "uncertain taken" if transfer.uncertain == "take" else "uncertain set aside",
        training.arch,
        "1 epoch" if training.epochs == 1 else f"{training.epochs:,} epochs",
        f"rate {training.peak_rate:g}",
        "augmented" if training.augment else "not augmented",
        f"{training.jacobian_rounds} rounds of augmentation" if training.jacobian_rounds else "no round",
        f"seed {training.seed}",
        f"drawn with {transfer.seed}",
    )


def source_names(sources: Iterable[Source]) -> dict[Source, str]:
    """What each of some sources is called among them, for people.

    It is its own name, and for folders called the same as much of their paths as tells them apart.
    """
    every = tuple(dict.fromkeys(sources))
    return {one: _name_among(one, [other for other in every if origin_of(other) != origin_of(one)]) for one in every}


def _name_among(source: Source, others: Sequence[Source]) -> str:
    for n_parts in range(1, source.folder.count("/") + 2):
        name = _long_name(source, n_parts)
        if all(_long_name(other, n_parts) != name for other in others):
            return name
    return _long_name(source, 0)


def _long_name(source: Source, n_parts: int) -> str:
    """A source's name with the last parts of its path; with 0 all of it."""
    if n_parts == 1 or not source.folder:
        return source.name
    path = "/".join(source.folder.rstrip("/").split("/")[-n_parts:])
    return f"{source.role}: {path}" if source.role else path


def origin_of(source: Source) -> tuple[SourceKind, str]:
    """Where a source's images come from, whatever it is said to be to the suspect."""
    return source.kind, source.folder.rstrip("/")
