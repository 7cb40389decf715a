"""Figures that compare words: claims with findings (paper, Table 4), and known labels with findings."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.matrix import MISSING, block_names, block_starts, draw_matrix, percent_colors
from fdcore.report.figures.style import (
    ACCENT,
    BORDER,
    CIVIDIS,
    LINE,
    MUTED,
    NOTHING,
    counted,
    full_name,
    new_figure,
    nothing_to_draw,
    row_axis,
    shortened,
)
from fdcore.words.similarity import CLOSE, UNCLEAR, Judgement, judge

Similarities = npt.NDArray[np.floating[Any]]
MAX_ROWS = 40  # classes on one page of bars
_GROUPS: Mapping[Judgement, tuple[str, str]] = {
    "agrees": (f"agrees: the same word, or closer than {CLOSE:.0%} of random selections".replace("%", " %"), ACCENT),
    "unclear": (f"unclear: closer than {UNCLEAR:.0%}".replace("%", " %"), "#E69F00"),
    "does not agree": ("does not agree", BORDER),
    "not ranked": ("not compared with random selections", MUTED),
}
_UNKNOWN = "no word in the vocabulary"
_N_BINS = 20
_MAX_PIXELS = 500  # of a matrix that is drawn as a picture: a page has room for these, so that no bright line fades
_MAX_COLUMN_TICKS = 30
_MAX_OUTLINED = 60  # up to this number of labels, each cell of the diagonal is outlined


class SimilarityRow(NamedTuple):
    """The similarity of a class's claim and finding.

    Attributes:
        similarity: cosine of the nearest tokens; None if one side has no known word.
        percentile: share of random selections, 0..1, that are less similar to the claim in the mean of their leaves;
            None if unknown.
    """

    target_class: int
    claim: str
    found: str
    similarity: float | None
    percentile: float | None


def similarity_bars(rows: Sequence[SimilarityRow], *, page: int = 0, revision: str = "") -> go.Figure:
    """The similarity of each class's claim and finding, the least agreement on top, grouped by judgement.

    Args:
        rows: one for each class, in any order.
        page: of `MAX_ROWS` classes, from 0; see `n_pages`.
    """
    if not rows:
        return nothing_to_draw("similarity_bars", "No class has both a claim and a finding.")
    ordered = sorted(rows, key=_least_agreement_first)
    first = MAX_ROWS * min(max(page, 0), n_pages(len(rows)) - 1)
    shown = ordered[first : first + MAX_ROWS]
    figure = new_figure("similarity_bars", height=26 * len(shown) + 128, revision=revision)
    for judgement, (name, color) in _GROUPS.items():
        at = [i for i, row in enumerate(shown) if _judged(row) == judgement]
        n_all = sum(_judged(row) == judgement for row in rows)
        if judgement == "not ranked" and not n_all:
            continue
        figure.add_bar(
            x=[shown[i].similarity for i in at] or [None], y=at or [0], orientation="h", width=0.66, marker_color=color,
            name=f"{name} ({n_all:,})", hovertext=[_explain_row(shown[i]) for i in at],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    _write_similarities(figure, shown)
    figure.update_yaxes(row_axis([_row_name(row) for row in shown]))
    least = min((row.similarity for row in shown if row.similarity is not None), default=0.0)
    part = "" if len(rows) <= MAX_ROWS else f"; {first + 1:,} to {first + len(shown):,} of {len(rows):,} classes"
    figure.update_xaxes(
        title_text=f"Similarity of claim and finding (cosine of the nearest words){part}",
        range=[min(least * 1.05, 0), 1.32], tickvals=[-1, -0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8, 1],
        tickformat=".1f", fixedrange=True, zeroline=True, zerolinecolor=LINE, zerolinewidth=1,
    )  # fmt: skip
    figure.update_layout(barmode="overlay", legend={"itemclick": False, "itemdoubleclick": False}, showlegend=True)
    return figure


def n_pages(n_classes: int) -> int:
    """The number of pages of `similarity_bars` for this number of classes."""
    return max(-(-n_classes // MAX_ROWS), 1)


def similarity_histogram(rows: Sequence[SimilarityRow], *, revision: str = "") -> go.Figure:
    """A histogram of agreement, for more classes than a page of bars shows.

    Without any agreement the bars are level; if claims and findings agree, they are at the right. A class whose claim
    and finding share a word agrees at any place. Classes without a percentile are counted below the bars.
    """
    bins: dict[Judgement, list[int]] = {judgement: [] for judgement in _GROUPS}
    for row in rows:
        if row.percentile is not None and (judgement := _judged(row)):
            bins[judgement].append(min(int(row.percentile * _N_BINS + 1e-9), _N_BINS - 1))
    unknown = len(rows) - sum(map(len, bins.values()))
    if unknown == len(rows):
        return nothing_to_draw("similarity_histogram", "No class has words on both sides that could be compared.")
    figure = new_figure("similarity_histogram", height=260, revision=revision)
    for judgement, (name, color) in _GROUPS.items():
        if judgement == "not ranked":
            continue
        counts = np.bincount(bins[judgement], minlength=_N_BINS)
        at = np.flatnonzero(counts)
        figure.add_bar(
            x=(at + 0.5) / _N_BINS if len(at) else [None], y=counts[at] if len(at) else [None], width=0.9 / _N_BINS,
            marker_color=color, name=f"{name} ({counts.sum():,})",
            hovertext=[
                f"{counted(int(counts[i]), 'class', 'classes')}<br>closer than {i / _N_BINS:.0%} to "
                f"{(i + 1) / _N_BINS:.0%} of random selections" for i in at
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    rest = f"; {counted(unknown, 'class', 'classes')} could not be compared" if unknown else ""
    figure.update_xaxes(
        title_text=f"Share of random selections that are less similar to the claim{rest}",
        range=[0, 1], tickformat=".0%", fixedrange=True, dtick=0.2,
    )  # fmt: skip
    figure.update_yaxes(title_text="Classes", fixedrange=True, nticks=6, tickformat=",d", rangemode="tozero")
    figure.update_layout(barmode="stack", legend={"itemclick": False, "itemdoubleclick": False})
    return figure


def agreement_matrix(
    similarity: Similarities,
    *,
    found_names: Sequence[str],
    label_names: Sequence[str],
    offset: int = 0,
    revision: str = "",
) -> go.Figure:
    """Every finding by every label of a known set; if the class order agrees, the outlined diagonal is bright.

    Beyond `matrix.MAX_CELLS` rows or columns it is drawn as a picture, whose pixels show the highest of a few cells if
    there are more than 500; hover texts are then about blocks of classes.

    Args:
        similarity: (n_found, n_labels) cosine or other agreement, at most 1, drawn from 0; NaN if unknown.
        found_names: (n_found,) each class's finding in words, in the order of the suspect's classes.
        label_names: (n_labels,) in the data set's own order.
        offset: class i belongs to label i - offset.
    """
    if not np.size(similarity):
        return nothing_to_draw("agreement_matrix", "No class was found, so there is nothing to compare with labels.")
    known = np.isfinite(similarity)
    percent = np.where(known, np.rint(np.clip(np.where(known, similarity, 0), 0, 1) * 100), MISSING).astype(np.uint8)
    down, across = block_starts(percent.shape[0]), block_starts(percent.shape[1])
    figure = new_figure("agreement_matrix", height=10, revision=revision)
    draw_matrix(
        figure, _blocks(percent, down, across),
        row_names=block_names(_numbered(found_names), down, "class", "classes"),
        row_ticks=[shortened(f"{start} {found_names[start]}") for start in down],
        column_names=block_names(_numbered(label_names), across, "label", "labels"),
        column_ticks=[shortened(f"{start} {label_names[start]}") for start in across],
        hover="<i>Found for class</i> %{y}<br><i>Label</i> %{x}<br>Similarity: %{text}<extra></extra>",
    )  # fmt: skip
    written = np.array([*(f"{value} %" for value in range(MISSING)), "unknown"], dtype=object)
    figure.data[0].text = written[figure.data[0].z].tolist()
    figure.data[0].update(
        colorbar={
            "title": {"text": "Similarity"}, "thickness": 12, "outlinewidth": 0,
            "tickvals": [0, 20, 40, 60, 80, 100], "ticktext": [f"{value} %" for value in (0, 20, 40, 60, 80, 100)],
        },
        **percent_colors(missing=not known.all()),
    )  # fmt: skip
    if len(down) < len(percent) or len(across) < percent.shape[1]:
        _draw_picture(figure, percent, down, across)
    every = -(-len(figure.layout.xaxis.tickvals) // _MAX_COLUMN_TICKS) if percent.shape[1] > _MAX_OUTLINED else 1
    figure.update_xaxes(tickvals=figure.layout.xaxis.tickvals[::every], ticktext=figure.layout.xaxis.ticktext[::every])
    _outline_diagonal(figure, percent.shape, (_step(down), _step(across)), offset)
    figure.update_xaxes(title_text=f"Labels of the known set, in its order{_in_blocks(percent.shape[1], across)}")
    figure.update_yaxes(title_text=f"Classes of the suspect{_in_blocks(percent.shape[0], down)}")
    return figure


def _judged(row: SimilarityRow) -> Judgement | None:
    """The judgement; None without a similarity."""
    return None if row.similarity is None else judge(row.similarity, row.percentile)


def _least_agreement_first(row: SimilarityRow) -> tuple[bool, bool, float, float, int]:
    judgement = _judged(row)
    percentile = 1.0 if row.percentile is None else row.percentile
    similarity = 1.0 if row.similarity is None else row.similarity
    return judgement is None, judgement == "agrees", percentile, similarity, row.target_class


def _write_similarities(figure: go.Figure, shown: Sequence[SimilarityRow]) -> None:
    """The similarity at the end of each bar, with the percentile, which decides the judgement."""
    figure.add_scatter(
        x=[max(row.similarity or 0.0, 0.0) for row in shown], y=list(range(len(shown))), mode="text",
        text=[f" {_numbers(row)}" for row in shown], textposition="middle right", hoverinfo="skip", showlegend=False,
        cliponaxis=False,
    )  # fmt: skip


def _numbers(row: SimilarityRow) -> str:
    if row.similarity is None:
        return _UNKNOWN
    return f"{row.similarity:.2f}" + ("" if row.percentile is None else f", closer than {_percent(row.percentile)}")


def _percent(share: float) -> str:
    """Rounded down, so that only all of them are 100 %."""
    return f"{int(share * 100 + 1e-9)} %"


def _row_name(row: SimilarityRow) -> str:
    name = shortened(f"{row.target_class} {row.claim or '(no claim)'}")
    return f"<b>{name}</b>" if _judged(row) == "does not agree" else name


def _explain_row(row: SimilarityRow) -> str:
    return (
        f"{full_name(f'Class {row.target_class}: {row.claim}')}<br>found: {shortened(row.found, 70)}<br>{_numbers(row)}"
        f"{'' if row.percentile is None else ' of random selections'}"
    )


def _numbered(names: Sequence[str]) -> list[str]:
    return [f"{i}: {full_name(name)}" for i, name in enumerate(names)]


def _step(starts: npt.NDArray[np.intp]) -> int:
    return int(starts[1] - starts[0]) if len(starts) > 1 else 1


def _in_blocks(n: int, starts: npt.NDArray[np.intp]) -> str:
    return "" if len(starts) == n else f": {n:,}, hover texts in blocks of {_step(starts)}"


def _blocks(
    percent: npt.NDArray[np.uint8], down: npt.NDArray[np.intp], across: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint8]:
    """The highest similarity of each block; unknown if all of it is."""
    shifted = (percent + 1) % (MISSING + 1)  # unknown becomes 0, below everything else
    highest = np.maximum.reduceat(np.maximum.reduceat(shifted, down, axis=0), across, axis=1)
    return ((highest.astype(np.int16) + MISSING) % (MISSING + 1)).astype(np.uint8)


def _draw_picture(
    figure: go.Figure, percent: npt.NDArray[np.uint8], down: npt.NDArray[np.intp], across: npt.NDArray[np.intp]
) -> None:
    """The whole matrix as a picture above the heatmap of its blocks, which gives the hover texts."""
    figure.add_layout_image(
        source=_png(_blocks(percent, *map(_pixel_starts, percent.shape))), sizing="stretch",
        x=-0.5, y=-0.5, xref="x", yref="y", xanchor="left", yanchor="top",
        sizex=percent.shape[1] / _step(across), sizey=percent.shape[0] / _step(down), layer="above",
    )  # fmt: skip


def _pixel_starts(n: int) -> npt.NDArray[np.intp]:
    return np.arange(0, n, -(-n // _MAX_PIXELS))


def _png(percent: npt.NDArray[np.uint8]) -> str:
    """A picture with one byte per pixel and the colours of the scale, as a data URI."""
    from PIL import Image

    known = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CIVIDIS])
    at = np.linspace(0, len(CIVIDIS) - 1, 101)
    colors = [np.interp(at, np.arange(len(CIVIDIS)), channel) for channel in known.T]
    picture = Image.fromarray(percent, mode="P")
    missing = [int(NOTHING[i : i + 2], 16) for i in (1, 3, 5)]
    picture.putpalette(np.rint(np.stack(colors, axis=1)).astype(int).ravel().tolist() + missing)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _outline_diagonal(figure: go.Figure, shape: tuple[int, ...], step: tuple[int, int], offset: int) -> None:
    """Borders around the cells of each class and its label; in a large matrix, two lines beside them."""
    classes = range(max(offset, 0), min(shape[0], shape[1] + offset))
    if not classes:
        return
    if max(shape) <= _MAX_OUTLINED:
        path = " ".join(_cell(i - offset, i) for i in classes)
    else:
        path = " ".join(_beside_diagonal(classes[0] - offset, classes[0], len(classes), max(shape) / 60, step))
    figure.add_shape(type="path", path=path, line={"color": BORDER, "width": 1.5})


def _cell(x: int, y: int) -> str:
    left, right, top, bottom = x - 0.5, x + 0.5, y - 0.5, y + 0.5
    return f"M{left},{top} L{right},{top} L{right},{bottom} L{left},{bottom} Z"


def _beside_diagonal(x: int, y: int, n: int, apart: float, step: tuple[int, int]) -> list[str]:
    """Two lines along n cells of the diagonal starting at (x, y), `apart` cells beside it, in blocks of `step`."""
    across = [value / step[1] - 0.5 for value in (x, x + apart, x + n - apart, x + n)]
    down = [value / step[0] - 0.5 for value in (y, y + apart, y + n - apart, y + n)]
    return [f"M{across[1]},{down[0]} L{across[3]},{down[2]}", f"M{across[0]},{down[1]} L{across[2]},{down[3]}"]
