"""Leaves, clusters and classes as bars that can be clicked."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from fdcore.method.findings import Scored
from ui.text import counted, plain, shortened
from ui.workbench.bench import Bench
from ui.workbench.components import leaf_bars
from ui.workbench.picked import LEAF, pick

_NAME, _WORDS = 60, 300  # characters


def bar(
    identity: str, name: str, parts: Sequence[float], *, end: str, words: Sequence[str], strong: bool = False,
    interval: tuple[float, float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One row of `bars`.

    Args:
        identity: what a click reports.
        name, end: texts before and after the bar.
        parts: from 0 to 1, one after the other.
        words: the lines of its tooltip.
        strong: whether it belongs to the answer.
        interval: of the 95 % whisker.
    """
    low, high = interval or (None, None)
    return {
        "id": identity, "name": shortened(plain(name), _NAME), "parts": [float(part) for part in parts], "end": end,
        "words": "\n".join(shortened(plain(line), _WORDS) for line in words), "strong": strong, "low": low,
        "high": high,
    }  # fmt: skip


def bars(
    rows: Sequence[dict[str, Any]], *, key: str, alt: str, on_click: Callable[[str], None], picked: str = "",
    line: float | None = None,
) -> None:  # fmt: skip
    """Draw rows of `bar`; `line` is drawn across all of them, and `on_click` gets a row's identity."""
    known = {row["id"] for row in rows}

    def chosen(given: Any) -> None:
        if given in known:
            on_click(given)

    data = {"rows": list(rows), "picked": picked, "line": line, "alt": alt}
    leaf_bars(data, key=key, chosen=chosen)


def bars_of_leaves(
    bench: Bench, leaves: Sequence[int] | npt.NDArray[np.intp], *, key: str, chosen: Collection[int] = (),
    more: Callable[[int], Sequence[str]] = lambda leaf: (),
) -> None:  # fmt: skip
    """Draw some leaves' scores in the class, with whiskers and the line of tau; a click opens a leaf.

    Args:
        chosen: the leaves of the answer.
        more: further lines for a leaf's tooltip.
    """
    scored, number = bench.scored, bench.target_class
    rows = leaf_rows(scored, number, leaves, chosen, more)
    best = f"; the best is {rows[0]['name']} with {rows[0]['end']}" if rows else ""
    alt = f"Scores of {counted(len(rows), 'leaf', 'leaves')} in class {number}{best}"
    bars(rows, key=key, alt=alt, line=bench.settings.tau, picked=st.query_params.get(LEAF, ""),
         on_click=lambda node: pick(leaf=node))  # fmt: skip


def leaf_rows(
    scored: Scored, target_class: int, leaves: Sequence[int] | npt.NDArray[np.intp], chosen: Collection[int],
    more: Callable[[int], Sequence[str]] = lambda leaf: (),
) -> list[dict[str, Any]]:  # fmt: skip
    """A row of `bar` for each of some leaves."""
    scores = scored.scores
    low, high = scores.interval(target_class)
    shares = scores.functional[target_class]

    def row(leaf: int) -> dict[str, Any]:
        label = scored.label(leaf)
        words = [
            label,
            f"L {shares[leaf]:.3f} ({low[leaf]:.2f} to {high[leaf]:.2f})",
            f"{counted(int(scores.n_images[leaf]), 'image')}, {counted(int(scores.n_queries[leaf]), 'answer')}",
            *more(leaf),
        ]
        return bar(scores.nodes[leaf], label, (shares[leaf],), end=f"{shares[leaf]:.2f}", words=words,
                   strong=leaf in chosen, interval=(float(low[leaf]), float(high[leaf])))  # fmt: skip

    return [row(int(leaf)) for leaf in leaves]
