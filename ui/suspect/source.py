"""The choice of the suspect's file: from the evidence folders, an upload, or the demo suspect."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from fdcore import demo
from fdcore.case.places import MAX_LISTED, inside, list_files
from fdcore.case.plan import SuspectOptions
from fdcore.suspect.hub import PREFIX
from fdcore.suspect.packing import is_model_folder
from ui.frame import Desk
from ui.suspect import uploads
from ui.text import file_size

FOLDER, UPLOAD, HUB, DEMO = "Evidence folder", "Upload", "Hugging Face", "Demo suspect"
Source = Callable[[], Path]


def draw(desk: Desk) -> Source | None:
    """Draw the choice; returns a function that brings the file to the disk, or None if none is chosen yet.

    Raises:
        SettingsError: a typed path leaves the evidence folders or does not exist.
    """
    st.markdown("**The suspect's file**")
    way = st.segmented_control("Location", (FOLDER, UPLOAD, HUB, DEMO), default=FOLDER, required=True, key="source_way")
    if way == FOLDER:
        return _from_folder(desk)
    if way == HUB:
        return _from_hub()
    return _from_upload(desk) if way == UPLOAD else _from_demo()


def is_demo() -> bool:
    """Whether the demo's suspect is chosen."""
    return bool(st.session_state.get("source_way") == DEMO)


def _from_folder(desk: Desk) -> Source | None:
    roots = desk.places.evidence
    names = list_files(roots)
    where = "\n".join(map(str, roots))
    if not names:
        st.text("The evidence folder is empty. Copy the suspect's file there, or upload it.")
        st.code(where, language=None)
    if len(names) == MAX_LISTED:
        st.caption(f"The first {MAX_LISTED:,} files that were found are listed; write the path of any other.")
    left, right = st.columns(2)
    chosen = left.selectbox(
        "File", names, index=None, key="source_file", placeholder="Type to search", disabled=not names
    )
    typed = right.text_input("Or its path inside the folder", key="source_path", placeholder="drive-7/model.pth")
    name = typed.strip() or chosen
    if not name:
        return None
    path = inside(roots, name)
    if not path.is_file() and not is_model_folder(path):
        st.warning(
            "This folder has no config.json, as a model's folder has. Choose a file inside it.",
            icon=":material/folder:",
        )
        return None
    st.caption("Chosen")
    what = file_size(path.stat().st_size) if path.is_file() else "a model's folder"
    st.text(f"{name} ({what})")
    return lambda: path


def _from_upload(desk: Desk) -> Source | None:
    file = st.file_uploader("The file as it was found", key="source_upload",
                            help="PyTorch, safetensors, ONNX, TensorFlow Lite or Keras, under any name")  # fmt: skip
    if file is None:
        return None
    return lambda: uploads.spool(desk.places.cases, file.name, file)


def _from_hub() -> Source | None:
    name = st.text_input(
        "The model's id on the hub", key="source_hub", placeholder="owner/name or owner/name@revision"
    ).strip()
    st.caption(
        "Its configuration and weights are downloaded from huggingface.co without your account. The address of this "
        "machine becomes known there. The commit is kept with the evidence."
    )
    return (lambda: Path(PREFIX + name.removeprefix(PREFIX))) if name else None


def _from_demo() -> Source:
    st.text(
        "A small network that is included with fdcore. It was trained on drawings of aircraft, birds, ships and more."
    )
    return lambda: demo.SUSPECT_PATH


def check(desk: Desk, options: SuspectOptions, source: Source | None, samples: tuple[str, ...] = ()) -> None:
    """Record the options in the plan, start the check, and redraw the page.

    Args:
        source: brings the file to the disk; None for the evidence in the case.
        samples: paths of pictures to query; none for the demo's drawings.

    Raises:
        FdError: the case is in use, or the file cannot be written to the disk.
    """
    desk.require_idle()
    path = source() if source else None
    desk.case.change_plan(suspect=options, by=desk.by)
    desk.submit("suspect", source=str(path) if path else None, samples=list(samples))
    st.rerun()


def demo_options(options: SuspectOptions) -> SuspectOptions:
    """The same options, completed with what is known about the demo suspect."""
    return replace(options, arch=options.arch or demo.SUSPECT_ARCH, preset=options.preset or demo.SUSPECT_PRESET)
