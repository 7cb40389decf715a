"""Verification: do the words of the finding agree with what is claimed, and is it a known label set?"""

from ui import frame
from ui.verification.page import draw_page

with frame.page("Verification") as desk:
    draw_page(desk)
