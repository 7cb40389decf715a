"""Clone: the images from which a copy of the model could be trained."""

from fdcore.analysis import selection_settings
from ui import cached, frame, state
from ui.clone import transfer as transfer_panels

with frame.page("Clone") as desk:
    settings = state.linked_settings(selection_settings(desk.case)).settings
    transfer_panels.what_it_will_answer()
    transfer_panels.draw(desk, cached.findings(desk.case, settings), settings)
