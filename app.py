"""The Case page and Streamlit's entry point: every investigation at a glance; create, open, archive, import, export.

Streamlit runs this file on every visit. The server also imports it once at start-up, to import in the background what
the first page needs.
"""

if __name__ == "__main__":
    from ui import cached, frame
    from ui.case import cards as case_cards
    from ui.case import making as case_making
    from ui.case import overview as case_overview
    from ui.state import RESET

    with frame.page("Case") as desk:
        if desk.card is None and (begun := case_making.first_start(desk)):
            frame.go_to("Case", **RESET, case=begun)
        cards = cached.cards(desk.book)
        if not cards:
            case_making.welcome(desk)
        else:
            case_overview.draw(desk)
            case_making.toolbar(desk)
            case_cards.draw(desk, cards)
else:
    import streamlit as st

    from ui.warm_up import warm_up

    app = st.App(__file__, lifespan=warm_up)
