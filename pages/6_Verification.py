"""Verification: do the words of the finding agree with what somebody claims, and is it a known set of classes?"""

from ui import frame
from ui.verification.page import draw_page

with frame.page("Verification") as desk:
    draw_page(desk)
