"""Images and how consistently they are put in a class, as a grid; each opens in the inspector."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from fdcore.answers.ledger import NOT_ASKED
from fdcore.case.conclusions import pixels_of
from fdcore.method.findings import Scored
from ui import cached
from ui.pictures import as_thumbnails
from ui.text import counted, plain, shortened
from ui.workbench.bench import Bench
from ui.workbench.components import picture_grid
from ui.workbench.picked import IMAGE, codes_of, image_codes, pick

PER_PAGE, TEXT_SIDE_PX = 60, 88
LOST = "This case's decoded pictures are not in this server's cache, so only their numbers can be shown."


@dataclass(frozen=True)
class ImageShare:
    """How consistently one image is put in a class.

    Attributes:
        n_hits, n_views: views put in the class, of those answered.
        other: the most frequent other answer; None if there is none.
    """

    image: int
    n_hits: int
    n_views: int
    other: int | None

    @property
    def in_words(self) -> str:
        """Such as "7 of 8 views, else class 3"."""
        if not self.n_views:
            return "not queried yet"
        instead = f", else class {self.other}" if self.other is not None else ""
        return f"{self.n_hits} of {counted(self.n_views, 'view')}{instead}"


def share_of(scored: Scored, image: int, target_class: int) -> ImageShare:
    """One image's share."""
    answers = scored.answers[image]
    given = answers[answers != NOT_ASKED]
    labels, counts = np.unique(given[given != target_class], return_counts=True)
    most = int(counts.argmax()) if len(labels) else None
    n_hits = int((given == target_class).sum())
    return ImageShare(image, n_hits, len(given), None if most is None else int(labels[most]))


def by_consistency(scored: Scored, images: npt.NDArray[np.intp], target_class: int) -> npt.NDArray[np.intp]:
    """Some images (n,), those most consistently put in the class first, those never queried last; ties in order."""
    answers = scored.answers[images]
    n_hits, n_views = (answers == target_class).sum(axis=1), (answers != NOT_ASKED).sum(axis=1)
    order: npt.NDArray[np.intp] = images[np.lexsort((images, -n_hits / np.maximum(n_views, 1), n_views == 0))]
    return order


def images_of_leaf(scored: Scored, target_class: int, leaf: int) -> npt.NDArray[np.intp]:
    """A leaf's images, the most consistent first."""
    return by_consistency(scored, np.flatnonzero(scored.images.node_index == leaf), target_class)


def images_of_class(scored: Scored, target_class: int) -> npt.NDArray[np.intp]:
    """All images of the corpus of which at least one view was put in the class, the most consistent first."""
    return by_consistency(scored, np.flatnonzero((scored.answers == target_class).any(axis=1)), target_class)


def grid(
    bench: Bench, images: Sequence[int] | npt.NDArray[np.intp], key: str, *, side_px: int = 58,
    per_page: int = PER_PAGE, caption: Callable[[ImageShare], str] = lambda one: "",
    marks: Mapping[int, str] | None = None, least_percent: int = 0,
) -> None:  # fmt: skip
    """Draw a page of some images; a click opens one in the inspector.

    Args:
        images: indices, in the order shown.
        key: Streamlit's.
        side_px, least_percent: the least width of a picture, also as a part of the grid's.
        caption: under each picture; every picture says how many of its views are in the class.
        marks: tags of images.
    """
    case, scored = bench.case, bench.scored
    pages = f"{key}_page"
    page = min(st.session_state.get(pages, 0), max(len(images) - 1, 0) // per_page)
    part = [int(image) for image in images[page * per_page : (page + 1) * per_page]]
    sources = thumbnails(bench, part)
    if not sources:
        st.caption(f":material/hide_image: {LOST}" if part else "No picture.")
        return

    codes, texts = codes_of(case, scored), case.facts().kind == "text"

    def item(image: int, source: str) -> dict[str, Any]:
        one = share_of(scored, image, bench.target_class)
        label = shortened(plain(scored.label(int(scored.images.node_index[image]))), 60)
        tags = (marks or {}).get(image, "")
        words = f"{label}: {one.in_words}{f' ({tags})' if tags else ''}"
        return {"id": codes[image], "src": source, "caption": caption(one), "words": words,
                "mark": tags, "kind": "smooth" if texts else ""}  # fmt: skip

    def turned(given: Any) -> None:
        if isinstance(given, int | float) and given >= 0:
            st.session_state[pages] = int(given)

    data = {
        "items": [item(*each) for each in zip(part, sources, strict=True)], "picked": st.query_params.get(IMAGE, ""),
        "side": max(side_px, TEXT_SIDE_PX) if texts else side_px,
        "least_percent": least_percent, "page": page, "per_page": per_page, "total": len(images),
        "alt": f"{len(images):,} pictures; each opens in the inspector",
    }  # fmt: skip
    picture_grid(data, key=key, chosen=lambda code: open_image(bench, code), turned=turned)


def open_image(bench: Bench, code: Any) -> None:
    """Pick an image by what the browser sent; for callbacks."""
    if isinstance(code, str) and code in image_codes(bench.case, bench.scored):
        pick(image=code)


def thumbnails(bench: Bench, images: Sequence[int]) -> list[str]:
    """Small pictures as data URLs; none if the decoded pictures are gone."""
    case, cache = bench.case, bench.desk.places.cache
    files = cached.made(case, f"thumbnails {cache} {images}", lambda: as_thumbnails(pixels_of(case, cache), images))
    return [as_url(file, "jpeg") for file in files]


def as_url(file: bytes, kind: str) -> str:
    """A picture's file as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
