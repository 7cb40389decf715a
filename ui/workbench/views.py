"""The views of one image, drawn on demand: torch is imported only then."""

import numpy as np

from fdcore.answers.views import Pictures, ViewSpec, make_views
from fdcore.method.findings import Scored


def draw_views(picture: Pictures, image_id: int, views: range, *, seed: int, spec: ViewSpec) -> Pictures:
    """Some views (len(views), H, W, C) of one picture (H, W, C)."""
    picture = np.array(picture)  # torch needs memory that it may write to
    ids = np.array([image_id], dtype=np.uint64)
    return np.stack([make_views(picture[None], ids, view=view, seed=seed, spec=spec)[0] for view in views])


def draw_sent_views(scored: Scored, pixels: Pictures, image: int, views: range) -> Pictures:
    """Some views of one image, exactly as they were sent."""
    header = scored.header
    return draw_views(pixels[image], int(scored.image_ids[image]), views, seed=header.seed, spec=header.views)
