"""The images that clones are trained and tested on."""

from typing import NamedTuple, get_args

import streamlit as st

from fdcore.cloning.settings import OF_FINDING, Role, Source, SourceKind
from fdcore.errors import FdError, SettingsError
from ui import cached
from ui.clone.settings import OWNER
from ui.clone.tables import source_title
from ui.folders import cannot_ask, checked_folder, folder_box
from ui.frame import Desk
from ui.sentences import show_error
from ui.text import inert, shortened

MAX_FOLDERS = 8
RESERVED = "Held-back images of the corpus"
_FOLDERS, _PROBLEM = "clone_folders", "clone_folder_problem"
_NAME, _ROLE = "clone_folder_name", "clone_folder_role"
_KINDS = {
    SourceKind.FOUND: "Images of the saved finding, with both terms of the objective.",
    SourceKind.ONE_TERM: "The finding at alpha = 1, based only on how consistent the answers are.",
    SourceKind.RANDOM: "Random images of the corpus: the baseline for the others.",
    SourceKind.BALANCED: "Random images, as many of each class as there are: what balance alone is worth.",
    SourceKind.CONSISTENT: "Balanced, the most consistent images first, whatever their leaf.",
    SourceKind.ALL_ANSWERS: "Every answer of the investigation: the most that its queries can give.",
}
_PER_ROW = 3
_TICKED = {SourceKind.FOUND, SourceKind.RANDOM}
_ROLES: dict[Role, str] = {
    "": "Not specified",
    "same": "Same as its training data",
    "similar": "Similar",
    "distant": "Distant",
}


class Folder(NamedTuple):
    """A folder that the analyst added as a source."""

    name: str  # for `places.inside`
    role: Role  # its relation to the suspect according to the analyst


def choose_sources(desk: Desk, *, found: bool) -> tuple[Source, ...]:
    """Draw the choice of sources and return it; `found` says whether the finding keeps any image."""
    chosen = []
    with st.container(key="clone_sources"):
        columns = [column for _ in range(0, len(_KINDS), _PER_ROW) for column in st.columns(_PER_ROW)]
        for column, (kind, text) in zip(columns, _KINDS.items(), strict=True):
            key, possible = f"clone_from_{kind.value}", found or kind not in OF_FINDING
            st.session_state.setdefault(key, kind in _TICKED)
            with column, st.container(border=True, gap=None, height="stretch"):
                if st.checkbox(source_title(Source(kind)), key=key, disabled=not possible) and possible:
                    chosen.append(Source(kind))
                st.caption(text if possible else "Nothing is found, so there are no images.")
    return (*chosen, *_folders(desk))


_TESTED_ON = (
    "The same pictures for every clone, without those that one of them was trained on. The best set is of the kind "
    "that the suspect was made for, with a folder for each class, so that accuracy is measured too. Type to search, or "
    "enter a path inside the corpora folder. The images held back from the corpus cost no queries."
)


def choose_test(desk: Desk, last: str) -> str:
    """Draw the choice of the test set: a folder, or "" for the corpus' held-back images.

    Args:
        desk: the page's.
        last: the last test set, which is preselected if it lies inside the corpora folders.
    """
    others = [] if cannot_ask(desk.card) else cached.folders(desk.places.corpora)
    before = next((name for name in others for root in desk.places.corpora if str(root / name) == last), RESERVED)
    options = [RESERVED, *others]
    if st.session_state.get(OWNER) != desk.case_id:  # chosen in another case
        st.session_state.pop("clone_test_set", None)
    chosen = st.selectbox(
        "Tested on", options, index=options.index(before), key="clone_test_set", filter_mode="contains",
        accept_new_options=bool(others), help=_TESTED_ON,
    )  # fmt: skip
    if chosen in (None, RESERVED):
        return ""
    return str(checked_folder(desk, chosen))


# Folders


def _folders(desk: Desk) -> list[Source]:
    kept = _kept(desk)
    for place, folder in enumerate(kept):
        with st.container(horizontal=True, vertical_alignment="center", key=f"clone_folder_{place}"):
            st.text(f"{shortened(folder.name, 80)}", width="stretch")
            st.badge(_ROLES[folder.role] if folder.role else "Role not specified", color="gray")
            st.button("Remove", key=f"clone_folder_remove_{place}", icon=":material/close:", type="tertiary",
                      help=inert(f"Do not train on {shortened(folder.name)}"),
                      on_click=_keep, args=(desk, [one for one in kept if one != folder]))  # fmt: skip
    _adding(desk)
    return list(dict.fromkeys(source for folder in kept if (source := _source(desk, folder))))


def _adding(desk: Desk) -> None:
    with st.expander("Add a folder of images", icon=":material/create_new_folder:", key="clone_adding"):
        if reason := cannot_ask(desk.card):
            st.caption(reason)
            return
        st.caption("For example a public data set. Each of its images costs one query to the suspect.")
        left, middle = st.columns([3, 2])
        with left:
            name = folder_box(desk, "Folder", _NAME)
        middle.selectbox(
            "Relation to the suspect", get_args(Role), key=_ROLE, format_func=lambda one: _ROLES[one],
            help="Your own judgement; it only decides the clone's place among the others, as in the paper's Table 5.",
        )  # fmt: skip
        st.button("Add this folder", key="clone_folder_add", icon=":material/add:", disabled=not name, on_click=_add,
                  args=(desk,))  # fmt: skip
        if problem := st.session_state.pop(_PROBLEM, None):
            show_error(problem)


def _add(desk: Desk) -> None:
    """Add the folder that the widgets name; a problem with it is shown below them."""
    name, kept = st.session_state[_NAME] or "", _kept(desk)
    try:
        checked_folder(desk, name)
        if any(folder.name == name for folder in kept):
            raise SettingsError(
                f"{name} is already added. To change its role, remove it first.", key="folder already added"
            )
        if len(kept) >= MAX_FOLDERS:
            raise SettingsError(f"At most {MAX_FOLDERS} folders can be used. Remove one first.", key="too many folders")
    except FdError as error:
        st.session_state[_PROBLEM] = error
        return
    _keep(desk, [*kept, Folder(name, st.session_state[_ROLE] or "")])
    st.session_state[_NAME] = None


def _source(desk: Desk, folder: Folder) -> Source | None:
    try:
        return Source(SourceKind.FOLDER, str(checked_folder(desk, folder.name)), folder.role)
    except FdError as error:
        show_error(error)
        return None


def _kept(desk: Desk) -> list[Folder]:
    owner, folders = st.session_state.get(_FOLDERS, ("", []))
    return list(folders) if owner == desk.case_id else []


def _keep(desk: Desk, folders: list[Folder]) -> None:
    st.session_state[_FOLDERS] = (desk.case_id, folders)
