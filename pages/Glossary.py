"""Glossary: what the terms and the keys mean."""

from ui import frame
from ui.glossary.page import draw

with frame.page("Glossary"):
    draw()
