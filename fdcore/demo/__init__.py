"""The demo case: a corpus drawn by this package, and a suspect trained on other drawings of some of the same things.

    build_demo_corpus(folder)      writes the corpus
    build_demo_stickers(folder)    writes pictures like the suspect's training pictures, to test clones on
    SUSPECT_PATH, _ARCH, _PRESET   open the suspect
    TRUTH, FALSE_FRIEND            what it really recognises, for tests and documentation
    LEAVES                         what the corpus shows

See docs/demo.md. The themes (aircraft, birds, ...) contain the drawings; `canvas` has the pen, `scenes` backgrounds,
`paint` turns a drawing in a scene into a small photograph; `stickers` has the suspect's own pictures.
"""

from pathlib import Path

from fdcore.demo.build import build_demo_corpus, build_demo_stickers, draw_picture, trial_pictures
from fdcore.demo.leaves import LEAVES
from fdcore.demo.truth import FALSE_FRIEND, TRUTH, Truth

__all__ = [
    "FALSE_FRIEND",
    "LEAVES",
    "SUSPECT_ARCH",
    "SUSPECT_PATH",
    "SUSPECT_PRESET",
    "TRUTH",
    "Truth",
    "build_demo_corpus",
    "build_demo_stickers",
    "draw_picture",
    "trial_pictures",
]

SUSPECT_PATH = Path(__file__).with_name("suspect.pt")
SUSPECT_ARCH = "resnet20"  # a name in fdcore.suspect.architectures
SUSPECT_PRESET = "imagenet"  # a name in fdcore.suspect.preprocess.PRESETS
