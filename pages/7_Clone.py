"""Clone: are the findings good enough to copy the model?"""

from ui import frame
from ui.clone.page import draw_page

with frame.page("Clone") as desk:
    draw_page(desk)
