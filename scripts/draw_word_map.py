"""Draw the word map of a case as a picture (the paper's Figure 3).

    python scripts/draw_word_map.py CASE PICTURE.png [--method tsne|umap]

The case must have been compared with claims (`fdcore verify`). Chromium draws the map.
"""

import argparse
from pathlib import Path

import numpy as np
from figure_picture import save_picture

from fdcore.case.case import Case
from fdcore.case.layout import WORDS
from fdcore.report.figures.word_map import word_map
from fdcore.words.points import MapPoint


def main() -> None:
    """Read the stored coordinates, draw, and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--method", choices=("tsne", "umap"), default="tsne")
    options = parser.parse_args()
    drawn = Case.open(options.case).read_json(WORDS)["map"]
    points = [MapPoint(p["text"], p["kind"], p["target_class"], p["node"]) for p in drawn["points"]]
    figure = word_map(points, np.array(drawn["maps"][options.method]["coordinates"]))
    save_picture(figure, options.picture, title="Words claimed and found", width=1100, height=640)


if __name__ == "__main__":
    main()
