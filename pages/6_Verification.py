"""Verification: the words of the finding, which are to be compared with what the suspect is claimed to do."""

from fdcore.analysis import selection_settings
from ui import cached, frame, state
from ui.verification import words as finding_words

with frame.page("Verification") as desk:
    settings = state.linked_settings(selection_settings(desk.case)).settings
    finding_words.what_it_will_answer()
    finding_words.draw(desk, cached.findings(desk.case, settings), settings)
