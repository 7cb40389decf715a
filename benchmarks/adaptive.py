"""How many queries do the same answers need? Ways of asking, replayed on recorded answers, without any suspect.

    python benchmarks/adaptive.py [--answers NAME ...] [--seeds N] [--rests N] [--networks odd|even|all] [--save]

Reads what ablation.py reads: 50 pictures of each leaf in 2 views. Each way of asking sees the answers it asks for and
no others; each seed divides and orders the pictures anew. As in ablation.py, every held class counts once more with its
true region taken away: the way of asking then starts over on the leaves that remain. `--rests` looks at so many classes
of each network in this way instead of all. `--rows` keeps each run in a file, and skips what it holds already. `--save`
writes adaptive.csv, the curve of right classes against queries.
"""

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from ablation import HERE, Counts, Flags, Recorded, recorded
from record import save

from fdcore.answers.asking import Batch, dense_sweep
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.method.adaptive import Adaptive, AdaptiveSweep
from fdcore.method.closeness import distances
from fdcore.method.scores import Scores, score_leaves
from fdcore.method.selection import SelectionSettings, select
from fdcore.suspect.preprocess import PreprocessSpec

SPEC = PreprocessSpec(height=1, width=1)
BATCH = 256


def without(network: Recorded, leaves: Flags) -> Recorded:
    """The same over a corpus that lacks some leaves."""
    kept = ~leaves[network.node_index]
    places = np.cumsum(~leaves) - 1
    return replace(
        network,
        answers=network.answers[kept],
        node_index=places[network.node_index[kept]].astype(np.int32),
        nodes=tuple(node for node, gone in zip(network.nodes, leaves, strict=True) if not gone),
        regions=network.regions[:, ~leaves],
    )


Way = Callable[[Recorded, Ledger], Iterator[Batch]]


def ask(network: Recorded, seed: int, way: Way) -> tuple[Scores, int]:
    """What a way of asking learns, and how many queries it sends."""
    n_images, n_views = network.answers.shape
    ids = np.random.default_rng(seed).permutation(n_images).astype(np.uint64)  # in the place of hashed contents
    header = LedgerHeader("", len(network.regions), SPEC, "", seed, ViewSpec(), n_images, n_views)
    ledger, n_sent = Ledger.in_memory(header, ids), 0
    for batch in way(network, ledger):
        wanted = ledger.missing(batch.images, batch.view)
        ledger.answers[wanted, batch.view] = network.answers[wanted, batch.view]
        n_sent += len(wanted)
    return score_leaves(np.asarray(ledger.answers), network.node_index, network.nodes, header.n_classes, ids), n_sent


def everything(_network: Recorded, ledger: Ledger) -> Iterator[Batch]:
    """All pictures in all views."""
    return dense_sweep(ledger, BATCH)


def evenly(network: Recorded, ledger: Ledger, *, per_leaf: int, n_views: int) -> Iterator[Batch]:
    """The same number of pictures of each leaf."""
    order = np.lexsort((ledger.image_ids, network.node_index))
    leaf = network.node_index[order]
    chosen = order[np.arange(len(leaf)) - np.searchsorted(leaf, leaf) < per_leaf]
    for view in range(n_views):
        yield Batch(chosen, view)


def at_random(_network: Recorded, ledger: Ledger, *, budget: int) -> Iterator[Batch]:
    """Any pictures, in view 0 while there are any that were not sent."""
    order = np.random.default_rng(ledger.header.seed).permutation(len(ledger.answers))
    yield Batch(order[:budget], 0)
    yield Batch(order[: max(budget - len(order), 0)], 1)


def adaptively(network: Recorded, ledger: Ledger, *, budget: int | None, plan: Adaptive) -> Iterator[Batch]:
    """Where it is worth most."""
    return AdaptiveSweep(plan, network.node_index, network.nodes, network.hierarchy, budget)(ledger, BATCH)


def ways(plan: Adaptive) -> dict[str, Way]:
    """What is compared."""
    return {
        "50 x 2": everything,
        "20 x 1": partial(evenly, per_leaf=20, n_views=1),
        "20 x 2": partial(evenly, per_leaf=20, n_views=2),
        "40 x 1": partial(evenly, per_leaf=40, n_views=1),
        **{f"random, {n:,}": partial(at_random, budget=n) for n in (2_000, 4_000, 6_000, 8_000)},
        **{f"adaptive, {n:,}": partial(adaptively, budget=n, plan=plan) for n in (2_000, 4_000, 6_000, 8_000)},
        "adaptive": partial(adaptively, budget=None, plan=plan),
    }


def judge(network: Recorded, seed: int, name: str, way: Way, n_rests: int | None) -> dict[str, object]:
    """One network, one seed, one way of asking."""
    counts = Counts()
    scores, n_sent = ask(network, seed, way)
    apart = distances(network.hierarchy, network.nodes)
    settings = SelectionSettings()
    held = np.flatnonzero(network.regions.any(axis=1))
    if n_rests is not None:
        held = np.random.default_rng(seed).permutation(held)[:n_rests]
    for selection in select(scores, np.arange(len(network.nodes)), apart, settings):
        counts.add(network.regions[selection.target_class], selection.winner.members if selection.winner else None)
    for target in held.tolist():
        rest = without(network, network.regions[target])
        among = distances(rest.hierarchy, rest.nodes)
        again, _ = ask(rest, seed, way)
        (found,) = select(again, np.arange(len(rest.nodes)), among, settings, [target])
        counts.add_absent(found.winner is not None)
    return {"family": network.family, "network": network.name, "seed": seed, "way": name, "queries": n_sent,
            "covered": counts.covered, "right": counts.right, "wrong": counts.wrong, "absent": counts.absent,
            "false": counts.false, "natural": counts.natural}  # fmt: skip


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rates of each family and way: sums over networks and seeds, and the spread of right over seeds."""
    rows = rows.assign(way=pd.Categorical(rows["way"], list(ways(Adaptive()))))
    sums = rows.groupby(["family", "way"], observed=True, sort=True).sum(numeric_only=True)
    queries = rows.groupby(["family", "way"], observed=True)["queries"]
    seeds = rows.groupby(["family", "way", "seed"], observed=True)[["right", "covered"]].sum()
    spread = (seeds["right"] / seeds["covered"]).groupby(["family", "way"], observed=True).std()
    found = (sums["right"] + sums["wrong"] + sums["natural"]).clip(lower=1)
    return pd.DataFrame({
        "networks": rows.groupby(["family", "way"], observed=True)["network"].nunique(),
        "seeds": rows.groupby(["family", "way"], observed=True)["seed"].nunique(),
        "queries": queries.mean().round().astype(int), "most_queries": queries.max(),
        "right": (sums["right"] / sums["covered"].clip(lower=1)).round(3), "right_sd_over_seeds": spread.round(3),
        "wrong": (sums["wrong"] / sums["covered"].clip(lower=1)).round(3),
        "false": (sums["false"] / sums["absent"].clip(lower=1)).round(3), "precision": (sums["right"] / found).round(3),
    }).reset_index()  # fmt: skip


def main() -> None:
    """Compare and write the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", nargs="*", type=Path, default=[HERE / "factory"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rests", type=int, help="take away the regions of so many classes of each network only")
    parser.add_argument(
        "--networks", choices=["odd", "even", "all"], default="all", help="of the factory and the parts"
    )
    parser.add_argument("--ways", nargs="*")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="a CSV file of single runs, made or continued")
    parser.add_argument("--save", action="store_true", help="write adaptive.csv")
    options = parser.parse_args()
    compared = {name: way for name, way in ways(Adaptive()).items() if not options.ways or name in options.ways}
    rows = (
        pd.read_csv(options.rows, dtype={"network": str}) if options.rows and options.rows.exists() else pd.DataFrame()
    )
    known = set() if rows.empty else set(zip(rows["family"], rows["network"], rows["seed"], rows["way"], strict=True))
    networks = [
        network
        for path in options.answers
        for network in recorded(path)
        if options.networks == "all" or path.name not in ("factory", "cut")
        or int(network.name) % 2 == (options.networks == "odd")
    ]  # fmt: skip
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [
            pool.submit(judge, network, seed, name, way, options.rests)
            for seed in range(options.seeds)
            for network in networks
            for name, way in compared.items()
            if (network.family, network.name, seed, name) not in known
        ]
        for done in as_completed(waiting):
            rows = pd.concat([rows, pd.DataFrame([done.result()])], ignore_index=True)
            if options.rows:
                rows.to_csv(options.rows, index=False)
    with pd.option_context("display.width", 200, "display.max_columns", None, "display.max_rows", None):
        print(table(rows).to_string(index=False))
    if options.save:
        save(__file__, table(rows).to_dict("records"))


if __name__ == "__main__":
    main()
