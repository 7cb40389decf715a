"""Suspect: which model is under investigation, what its file says, and whether it can be queried."""

from ui import frame
from ui.suspect import parts as suspect_parts

with frame.page("Suspect") as desk:
    suspect_parts.draw(desk)
