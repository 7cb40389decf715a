"""The Overview page of the open case, or all cases where none is open; Streamlit's entry point.

Streamlit runs this file on every visit. The server also imports it once at start-up, to import in the background what
the first page needs.
"""

if __name__ == "__main__":
    from ui import frame
    from ui.case import making as case_making
    from ui.case import overview as case_overview
    from ui.case import table as case_table
    from ui.state import RESET

    with frame.page("Overview") as desk:
        if desk.card is not None:
            case_overview.draw(desk)
        elif begun := case_making.first_start(desk):
            frame.go_to("Overview", **RESET, case=begun)
        else:
            case_table.draw(desk)
else:
    import streamlit as st

    from ui.warm_up import warm_up

    app = st.App(__file__, lifespan=warm_up)
