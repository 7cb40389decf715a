"""The Case page and Streamlit's entry: every investigation at a glance; make, open, put away, import, export."""

from ui import cached, frame
from ui.case import cards as case_cards
from ui.case import making as case_making
from ui.case import overview as case_overview
from ui.state import AFRESH

with frame.page("Case") as desk:
    if desk.card is None and (begun := case_making.first_start(desk)):
        frame.go_to("Case", **AFRESH, case=begun)
    cards = cached.cards(desk.book)
    if not cards:
        case_making.welcome(desk)
    else:
        case_overview.draw(desk)
        case_making.toolbar(desk)
        case_cards.draw(desk, cards)
