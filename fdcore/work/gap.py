"""Compare the suspect's answers to the training and the test split of a data set, and keep the result in the case."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from fdcore.case.gaps import add_gap
from fdcore.case.spending import require_budget
from fdcore.corpus.corpus import folder_of
from fdcore.errors import CorpusError
from fdcore.records import to_plain
from fdcore.verdict.gap import Gap, compare_splits
from fdcore.work.clones.lab import Lab
from fdcore.work.clones.pictures import folder_pool

MAX_PICTURES = 2_000  # of each split, unless asked otherwise


def measure_gap(lab: Lab, train: str, test: str, *, most: int | None = MAX_PICTURES) -> Gap:
    """Query the suspect with both splits, compare its answers, and record the comparison.

    Args:
        lab: of a case whose suspect was queried; its queries count against the budget.
        train, test: folders of the two splits, given like a corpus; their sub-folders (or WordNet nodes) are the
            classes, named alike in both.
        most: about how many pictures of each are sent, evenly over the folders; None for all.

    Raises:
        CorpusError: a folder has no images, or the two have no folder in common, or the same pictures.
        SettingsError: the budget does not allow it; nothing was sent.
        CaseError, SuspectError: the suspect cannot be opened or fails.
    """
    pools = [folder_pool(lab, folder, most=most, seed=0) for folder in (train, test)]
    names = sorted(set(pools[0][1].classes) & set(pools[1][1].classes))
    if not names:
        raise CorpusError(
            f"{train} and {test} have no folder of the same name. Give the two splits of one data set, each with a "
            "folder for each class.",
            key="no common folder",
        )
    shared = np.intersect1d(pools[0][0].image_ids, pools[1][0].image_ids)
    number = {name: place for place, name in enumerate(names)}
    folders, images = [], []
    for pool, opened in pools:
        own = np.array([number.get(name, -1) for name in opened.classes], dtype=np.int32)[opened.class_of]
        wanted = np.flatnonzero((own >= 0) & ~np.isin(pool.image_ids, shared))
        folders.append(own[wanted])
        images.append(wanted)
    if not all(map(len, images)):
        raise CorpusError(
            f"{train} and {test} hold the same pictures, so nothing is left to compare. Give two different splits.",
            key="same pictures",
        )
    n_to_send = sum(pool.n_to_ask(wanted) for (pool, _), wanted in zip(pools, images, strict=True))
    require_budget(lab.case, n_to_send, "Comparing the splits")
    answers = [
        lab.ask(opened.ledger, wanted, pool.pixels, stage=f"Querying {opened.name}")
        for (pool, opened), wanted in zip(pools, images, strict=True)
    ]
    titles = ["/".join(folder_of(folder).parts[-2:]) for folder in (train, test)]
    found = compare_splits(
        (titles[0], titles[1]), (answers[0], answers[1]), (folders[0], folders[1]), n_shared=len(shared)
    )
    found = replace(found, by=lab.by, time=datetime.now(UTC).isoformat(timespec="seconds"))
    add_gap(lab.case, found)
    lab.log("splits compared", **to_plain(found), n_sent=n_to_send)
    return found
