"""The Case page and Streamlit's entry: every investigation at a glance; make, open, put away, import, export.

Streamlit runs this file for each visit. As the server starts it imports it once: then what the page needs is imported
beside the server's work, while the first browser loads Streamlit's own scripts.
"""

if __name__ == "__main__":
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
else:
    import streamlit as st

    from ui.warm_up import warm_up

    app = st.App(__file__, lifespan=warm_up)
