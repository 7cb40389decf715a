"""Selection: which set of leaves explains each class best, and how stable that answer is."""

from ui import frame
from ui.selection.page import draw_page

with frame.page("Selection") as desk:
    draw_page(desk)
