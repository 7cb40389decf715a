"""Jobs: the work of all cases, what it waits for, and how it ended."""

from ui import frame
from ui.jobs.page import draw

with frame.page("Jobs") as desk:
    draw(desk)
