"""A map of words (paper, Figure 3): claims, found words, and other words of the corpus."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from fdcore.report.figures.labels import place_labels
from fdcore.report.figures.style import (
    ACCENT,
    CATEGORICAL,
    LABEL_LENGTH,
    MUTED,
    OTHER,
    full_name,
    new_figure,
    nothing_to_draw,
    shortened,
)
from fdcore.words.points import MapPoint

Coordinates = npt.NDArray[np.floating[Any]]
SHAPES = ("circle", "square", "triangle-up")
MAX_LOOKS = len(CATEGORICAL) * len(SHAPES)  # classes that can be distinguished by colour and shape
MAX_CLAIM_LABELS = 60  # claims that are named even if their names cover something
MAX_LABELS = 140  # names on a map
MAX_SVG_POINTS = 1_000  # beyond, everything except claims is drawn by WebGL, five times as fast
_MAP_PX, _NARROWEST_PX = 520, 620  # height of a map, and the least width at which its names do not overlap
_LETTER_PX = {"claim": 7.4, "found": 6.0, "background": 6.0}  # width of a letter in a name on the map
_EDGE = 0.05  # of a map, beyond the outermost words
_LEGEND_LETTER_PX, _LEGEND_SIGN_PX, _LEGEND_LINE_PX = 6.4, 52, 20
_KINDS = {"claim": "claimed word", "found": "found word", "background": "other word"}


class _Look(NamedTuple):
    color: str
    shape: str  # of found words; claims are diamonds


class _Map(NamedTuple):
    points: Sequence[MapPoint]
    at: Coordinates  # (n, 2)
    looks: dict[int | None, _Look]  # by class, with None for all classes without a look of their own
    places: dict[int, str]  # the named points, and the place of each name

    def group(self, point: int) -> int | None:
        """The class whose look a point has; None for the grey rest."""
        target = self.points[point].target_class
        return target if target in self.looks else None


def word_map(
    points: Sequence[MapPoint], coordinates: Coordinates, revision: str = "", *, chosen: Collection[int] = ()
) -> go.Figure:
    """Words in two dimensions: claims as diamonds with names, found words linked to their claim, others small and grey.

    Up to `MAX_LOOKS` classes have a colour and a shape each; if there are more, or if classes are chosen, only the
    chosen ones have. Up to `MAX_CLAIM_LABELS` claims are always named; if there are more, those of coloured classes
    are. Other words are named if there is room. Every word has its name in its hover text.

    Args:
        points: the words.
        coordinates: (n, 2) of each, without unit.
        chosen: numbers of the classes to colour; empty for all, up to `MAX_LOOKS`.
    """
    if not points:
        return nothing_to_draw("word_map", "No word of the claims and findings is in the vocabulary.")
    at = np.asarray(coordinates, dtype=np.float64)
    low, high = _frame(at)
    looks = _looks(points, chosen)
    words = _Map(points, at, looks, _place_names(points, (at - low) / (high - low), looks))
    figure = new_figure("word_map", height=_MAP_PX, revision=revision)
    _name_kinds(figure, {point.kind for point in points})
    members = _members(words)
    _draw_words(figure, words, members["background", None], _Look(MUTED, "circle"))
    for group, look in looks.items():
        _draw_links(figure, words, members["claim", group], members["found", group], look)
    kinds = [(kind, group) for kind in ("found", "claim") for group in looks]
    for kind, group in kinds:
        _draw_words(figure, words, members[kind, group], looks[group])
    for kind, group in kinds:
        _write_names(figure, words, kind, group)
    _name_classes(figure, words, members)
    figure.update_xaxes(visible=False, range=[low[0], high[0]])
    figure.update_yaxes(visible=False, range=[low[1], high[1]])
    figure.update_layout(
        hovermode="closest", dragmode="pan", margin_t=36, legend={"y": 0, "yanchor": "top"}
    )  # the toolbar stands on top
    return figure


def _frame(at: Coordinates) -> tuple[Coordinates, Coordinates]:
    """Lower left and upper right corner of a map, with room around its words even if all coincide."""
    low, high = at.min(axis=0), at.max(axis=0)
    span = np.where(high > low, high - low, max(float((high - low).max()), 1.0))
    middle = (low + high) / 2
    return middle - span * (0.5 + _EDGE), middle + span * (0.5 + _EDGE)


def _looks(points: Sequence[MapPoint], chosen: Collection[int]) -> dict[int | None, _Look]:
    """A look for each class that gets one, and under None that of the others, which are drawn first."""
    classes = sorted({point.target_class for point in points if point.target_class is not None})
    own = [target for target in classes if target in chosen] if chosen else classes
    if len(own) > MAX_LOOKS:
        own = own[:MAX_LOOKS] if chosen else []
    looks: dict[int | None, _Look] = {None: _Look(OTHER if own else ACCENT, SHAPES[0])}
    for rank, target in enumerate(own):
        looks[target] = _Look(CATEGORICAL[rank % len(CATEGORICAL)], SHAPES[rank // len(CATEGORICAL)])
    return looks


def _place_names(points: Sequence[MapPoint], shares: Coordinates, looks: Collection[int | None]) -> dict[int, str]:
    """The named words and the side of each name; claims first, then the found words of all classes in turn."""
    turn: Counter[tuple[str, int | None]] = Counter()
    ranked = []
    for i, point in enumerate(points):
        if point.kind != "background":
            key = (point.kind, point.target_class)
            ranked.append((point.kind == "found", point.target_class not in looks, turn[key], i))
            turn[key] += 1
    n_claims = sum(not is_found for is_found, *_ in ranked)
    n_colored = sum(not is_found and not grey for is_found, grey, *_ in ranked)
    n_always = n_claims if n_claims <= MAX_CLAIM_LABELS else min(n_colored, MAX_CLAIM_LABELS)
    widths = [_LETTER_PX[point.kind] * min(len(point.text), LABEL_LENGTH) for point in points]
    return place_labels(
        shares * (_NARROWEST_PX, _MAP_PX), widths,
        order=[i for *_, i in sorted(ranked)], n_always=n_always, max_labels=MAX_LABELS,
        frame=(_NARROWEST_PX, _MAP_PX),
    )  # fmt: skip


def _members(words: _Map) -> dict[tuple[str, int | None], list[int]]:
    members: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for i, point in enumerate(words.points):
        members[point.kind, words.group(i)].append(i)
    return members


def _draw_words(figure: go.Figure, words: _Map, members: Sequence[int], look: _Look) -> None:
    """One kind of words of one group."""
    if not members:
        return
    kind = words.points[members[0]].kind
    group, crowd = words.group(members[0]), len(words.points) > MAX_SVG_POINTS
    faint = kind == "background" or (crowd and group is None and len(words.looks) > 1)
    draw = figure.add_scattergl if crowd and kind != "claim" else figure.add_scatter
    draw(
        x=words.at[members, 0], y=words.at[members, 1], mode="markers", showlegend=False,
        marker=_marker(kind, look, small=crowd and group is None), opacity=0.5 if faint else 1,
        hovertext=[_explain_word(words.points[i]) for i in members], hovertemplate="%{hovertext}<extra></extra>",
        legendgroup=_legend_group(group),
    )  # fmt: skip


def _write_names(figure: go.Figure, words: _Map, kind: str, group: int | None) -> None:
    """The names of one kind of words of one group, beside invisible markers that keep them off the words."""
    named = [i for i in words.places if words.points[i].kind == kind and words.group(i) == group]
    if not named:
        return
    bold = ("<b>", "</b>") if kind == "claim" else ("", "")
    figure.add_scatter(
        x=words.at[named, 0], y=words.at[named, 1], mode="markers+text", hoverinfo="skip", showlegend=False,
        text=[f"{bold[0]}{shortened(words.points[i].text)}{bold[1]}" for i in named], cliponaxis=False,
        marker={"size": 13 if kind == "claim" else 9, "opacity": 0}, textposition=[words.places[i] for i in named],
        textfont={"size": 12 if kind == "claim" else 11}, legendgroup=_legend_group(group),
    )  # fmt: skip


def _marker(kind: str, look: _Look, *, small: bool) -> dict[str, Any]:
    if kind == "background":
        return {"symbol": "circle", "size": 4, "color": look.color}
    if kind == "claim":
        size, edge = (8, 0.5) if small else (13, 1.5)
        return {"symbol": "diamond", "size": size, "color": look.color, "line": {"color": "white", "width": edge}}
    return {"symbol": look.shape, "size": 6 if small else 8, "color": look.color}


def _draw_links(figure: go.Figure, words: _Map, claims: Sequence[int], found: Sequence[int], look: _Look) -> None:
    """A line from each found word to the nearest of its class's claims."""
    of_class: dict[int | None, list[int]] = defaultdict(list)
    for i in claims:
        of_class[words.points[i].target_class].append(i)
    x: list[float | None] = []
    y: list[float | None] = []
    for i in found:
        own = of_class.get(words.points[i].target_class)
        if own:
            nearest = own[int(np.square(words.at[own] - words.at[i]).sum(axis=1).argmin())]
            x += [words.at[nearest, 0], words.at[i, 0], None]
            y += [words.at[nearest, 1], words.at[i, 1], None]
    if x:
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": look.color, "width": 1}, opacity=0.5, hoverinfo="skip",
            showlegend=False, legendgroup=_legend_group(words.group(found[0])),
        )  # fmt: skip


def _legend_group(group: int | None) -> str:
    return "rest" if group is None else f"class {group}"


def _name_kinds(figure: go.Figure, kinds: Collection[str]) -> None:
    """Legend entries for the shapes on the map, in grey, without points."""
    for kind, name in _KINDS.items():
        if kind in kinds:
            figure.add_scatter(
                x=[None], y=[None], mode="markers", name=name, hoverinfo="skip",
                marker=_marker(kind, _Look(OTHER, SHAPES[0]), small=False),
            )  # fmt: skip


def _name_classes(figure: go.Figure, words: _Map, members: dict[tuple[str, int | None], list[int]]) -> None:
    """A legend entry for each class with a look of its own; a click hides the class, a double click isolates it."""
    names = [trace.name for trace in figure.data if trace.name]
    for group, look in words.looks.items():
        if group is not None:
            claim = [words.points[i].text for i in members["claim", group][:1]]
            names.append(shortened(" ".join([f"class {group}" if not claim else f"{group}", *claim]), 22))
            figure.add_scatter(
                x=[None], y=[None], mode="markers", name=names[-1], hoverinfo="skip", showlegend=True,
                marker={"symbol": look.shape, "size": 9, "color": look.color}, legendgroup=_legend_group(group),
            )  # fmt: skip
    entry_px = _LEGEND_LETTER_PX * max(map(len, names)) + _LEGEND_SIGN_PX
    n_lines = -(-len(names) // max(int(_NARROWEST_PX / entry_px), 1))
    figure.update_layout(height=_MAP_PX + 44 + _LEGEND_LINE_PX * n_lines, showlegend=True)


def _explain_word(point: MapPoint) -> str:
    lines = [full_name(point.text, point.node or "")]
    if point.target_class is not None:
        lines.append(f"{'claimed' if point.kind == 'claim' else 'found'} for class {point.target_class}")
    return "<br>".join(lines)
