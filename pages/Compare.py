"""Compare: two cases or two settings side by side, saved views, the history of conclusions."""

from ui import frame
from ui.compare.page import draw

with frame.page("Compare") as desk:
    draw(desk)
