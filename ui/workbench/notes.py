"""Tags and comments in the inspector."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from fdcore.case.notes import MAX_COMMENT, MAX_TAG, About, Note, add_note, read_notes, remove_note
from fdcore.method.findings import Scored
from ui.sentences import attempt
from ui.text import shortened
from ui.workbench.bench import Bench
from ui.workbench.picked import INSPECTOR, STEP

OFFERED = ("good example", "wrong label", "unclear")


def notes_panel(bench: Bench, about: About, key: str, name: str) -> None:
    """Draw the tags and comments of one thing, and the fields for more.

    Args:
        about, key, name: as in `Note`.
    """
    notes = read_notes(bench.case)
    own = [note for note in notes if (note.about, note.key) == (about, key)]
    tagged = [note for note in own if note.tag]
    widget = f"{bench.desk.case_id}_{about}_{key}"
    _tags(bench, Note(about, key, name), notes, tagged, f"tags_{widget}")
    for note in own:
        if note.comment:
            _comment(bench, note)
    field = f"comment_{widget}"

    def say() -> None:
        text = st.session_state[field]
        if text.strip() and _carry_out(lambda: _add(bench, Note(about, key, name, comment=text))):
            st.session_state[field] = ""

    st.text_input("Comment", key=field, max_chars=MAX_COMMENT, on_change=say, label_visibility="collapsed",
                  placeholder="Comment for the report")  # fmt: skip


def _tags(bench: Bench, empty: Note, notes: Sequence[Note], tagged: Sequence[Note], field: str) -> None:
    now = {note.tag: note for note in tagged}
    offered = list(dict.fromkeys([*now, *OFFERED, *(note.tag for note in notes if note.tag)]))
    st.session_state[field] = list(now)  # the case is the state, not the widget

    def changed() -> None:
        """Also draw the grids again, which mark tagged pictures."""
        wanted = [str(tag)[:MAX_TAG] for tag in st.session_state[field]]
        for tag in wanted:
            if tag not in now and tag.strip():
                _carry_out(partial(_add, bench, replace(empty, tag=tag)))
        for tag, note in now.items():
            if tag not in wanted:
                _carry_out(partial(remove_note, bench.case, note.number, by=bench.desk.by))
        st.rerun([INSPECTOR, STEP])

    st.multiselect("Tags", offered, key=field, on_change=changed, accept_new_options=True, placeholder="Tags",
                   label_visibility="collapsed")  # fmt: skip


def _comment(bench: Bench, note: Note) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"note_{note.number}"):
        by = f"{note.by}, " if note.by else ""
        st.text(f"{note.comment}\n{by}{note.time[:10]} {note.time[11:16]} UTC", width="stretch")

        def remove() -> None:
            _carry_out(lambda: remove_note(bench.case, note.number, by=bench.desk.by))

        st.button("Remove", icon=":material/close:", key=f"remove_note_{note.number}", type="tertiary",
                  help="Removes the comment; the audit log keeps it.", on_click=remove)  # fmt: skip


def _add(bench: Bench, note: Note) -> None:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    add_note(bench.case, replace(note, by=bench.desk.by, time=time))


def _carry_out(action: Callable[[], object]) -> bool:
    return attempt(action, toast=True)


def marks_of_images(notes: Sequence[Note], scored: Scored) -> dict[int, str]:
    """The tags of pictures, in words, by the image's index."""
    tags: dict[str, list[str]] = {}
    for note in notes:
        if note.about == "picture" and note.tag:
            tags.setdefault(note.key, []).append(note.tag)
    if not tags:
        return {}
    return {n: shortened(", ".join(tags[sha]), 80) for n, sha in enumerate(scored.images.sha256) if sha in tags}
