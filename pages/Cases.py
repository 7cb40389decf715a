"""Cases: every investigation in one table; create, open, archive, import, export."""

from ui import frame
from ui.case import table as case_table

with frame.page("Cases") as desk:
    case_table.draw(desk)
