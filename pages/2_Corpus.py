"""Corpus: which labelled images the suspect will be shown, and what they hold."""

from ui import frame
from ui.corpus import parts as corpus_parts

with frame.page("Corpus") as desk:
    corpus_parts.draw(desk)
