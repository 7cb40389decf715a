"""Display names of sources and clones that are unique among several."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from fdcore.cloning.run import CloneRun
from fdcore.cloning.settings import Source, SourceKind

Called = Callable[[Source, str], str]  # a source's display name, given the source and its unique name


def own_name(_source: Source, name: str) -> str:
    """The unique name unchanged."""
    return name


def clone_titles(runs: Sequence[CloneRun], called: Called = own_name) -> dict[str, str]:
    """The unique title of each clone of one case, by its id: its source and, if that is not enough, what differs."""
    names = source_names(run.source for run in runs)
    alike: dict[str, list[CloneRun]] = defaultdict(list)
    for run in runs:
        alike[called(run.source, names[run.source])].append(run)
    titles = {}
    for title, group in alike.items():
        facts = [_facts(run) for run in group]
        different = [place for place, values in enumerate(zip(*facts, strict=True)) if len(set(values)) > 1]
        for run, fact in zip(group, facts, strict=True):
            titles[run.id] = ", ".join([title, *(fact[place] for place in different)])
    shared = Counter(titles.values())
    return {name: title if shared[title] == 1 else f"{title}, {name}" for name, title in titles.items()}


def _facts(run: CloneRun) -> tuple[str, ...]:
    """The facts that can distinguish two clones of one source, in words."""
    transfer, training, selection = run.transfer, run.training, run.selection
    locked = len(selection.get("locked", {}))
    return (
        f"{transfer.total:,} images",
        *(f"{name} {selection.get(name)}" for name in ("alpha", "eta", "tau", "k")),
        f"{locked} locked" if locked else "none locked",
        "not found left out" if transfer.not_found == "leave out" else "not found filled",
        "any leaf" if transfer.any_leaf else "found leaves only",
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
    """The display name of each source: its own name or, for folders of the same name, enough of their paths."""
    every = tuple(dict.fromkeys(sources))
    return {one: _name_among(one, [other for other in every if origin_of(other) != origin_of(one)]) for one in every}


def _name_among(source: Source, others: Sequence[Source]) -> str:
    for n_parts in range(1, source.folder.count("/") + 2):
        name = _long_name(source, n_parts)
        if all(_long_name(other, n_parts) != name for other in others):
            return name
    return _long_name(source, 0)


def _long_name(source: Source, n_parts: int) -> str:
    """A source's name with the last parts of its path; with 0, the whole path."""
    if n_parts == 1 or not source.folder:
        return source.name
    path = "/".join(source.folder.rstrip("/").split("/")[-n_parts:])
    return f"{source.role}: {path}" if source.role else path


def origin_of(source: Source) -> tuple[SourceKind, str]:
    """Where a source's images come from, regardless of its role."""
    return source.kind, source.folder.rstrip("/")
