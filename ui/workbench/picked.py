"""What is picked on the workbench, for its inspector: a picture, a leaf, two leaves or a cluster. It lives in the URL.

A picture is named by the first half of its file's SHA-256, which stays the same however the corpus grows.
"""

from dataclasses import dataclass

import streamlit as st

from fdcore.case.case import Case
from fdcore.method.findings import Scored
from ui import cached, state
from ui.text import shortened

IMAGE, VIEW, LEAF, OTHER, CLUSTER = "image", "view", "leaf", "other", "cluster"
PICKS = (IMAGE, VIEW, LEAF, OTHER, CLUSTER)
CLASSES, STEP, INSPECTOR = "bench_classes", "bench_step", "inspector"  # the keys of the fragments, left to right


@dataclass(frozen=True)
class Picked:
    """What the URL names; `unknown` is what it names in vain.

    Attributes:
        image: index of an image.
        view: number of one of its views, to be shown large.
        leaf, other: indices of leaves.
        cluster: index of the leaf that is the cluster's medoid.
    """

    image: int | None = None
    view: int | None = None
    leaf: int | None = None
    other: int | None = None
    cluster: int | None = None
    unknown: str = ""


def picked(case: Case, scored: Scored) -> Picked:
    """Read the URL."""
    given = {name: st.query_params[name] for name in PICKS if name in st.query_params}
    leaves = {node: leaf for leaf, node in enumerate(scored.scores.nodes)}
    views = {str(view): view for view in range(scored.header.n_views)}
    known = {IMAGE: image_codes(case, scored) if IMAGE in given else {}, VIEW: views}
    found = {name: known.get(name, leaves).get(text) for name, text in given.items()}
    unknown = next((f"{name} {shortened(given[name], 40)!r}" for name, value in found.items() if value is None), "")
    return Picked(**found, unknown=unknown)


def pick(**chosen: str) -> None:
    """Pick something else and draw the inspector and the step again, the rest of the page not; for callbacks."""
    state.write(**dict.fromkeys(PICKS) | chosen)
    st.rerun([INSPECTOR, STEP])


def image_codes(case: Case, scored: Scored) -> dict[str, int]:
    """Each image by its name in the URL."""
    return cached.made(case, "images by code", lambda: {code: n for n, code in enumerate(codes_of(case, scored))})


def codes_of(case: Case, scored: Scored) -> list[str]:
    """The name of each image in the URL."""
    return cached.made(case, "codes of images", lambda: _codes(scored))


def _codes(scored: Scored) -> list[str]:
    """The images' names; of equal files, the second and later ones have their number appended."""
    seen: dict[str, int] = {}
    codes = []
    for digest in scored.images.sha256:
        code = digest[:16]
        seen[code] = n = seen.get(code, 0) + 1
        codes.append(code if n == 1 else f"{code}-{n}")
    return codes
