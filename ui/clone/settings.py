"""The settings of drawing and training clones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from fdcore.cloning.architectures import ARCHITECTURES, BAG_OF_WORDS, SMALL_SIDE
from fdcore.cloning.run import CloneRun
from fdcore.cloning.settings import CloneRequest, NotFound, Optimiser, TrainingSettings, TransferSettings, Uncertain
from fdcore.suspect.preprocess import PreprocessSpec
from ui.state import fill_widgets
from ui.text import counted, inert

_MOST = 1_000_000
OWNER = "clone_settings_owner"  # the case that the widgets were filled for
_OPTIMISERS: dict[Optimiser, str] = {"sgd": "SGD with momentum", "adam": "Adam"}
_NOT_FOUND: dict[NotFound, str] = {"leave out": "Leave out", "random": "Use random images"}
_UNCERTAIN: dict[Uncertain, str] = {"take": "Use its images", "set aside": "Treat as not found"}


class Networks(NamedTuple):
    """The offered architectures: titles by name, and the suggested name."""

    titles: Mapping[str, str]
    suggested: str


def choose_settings(
    case_id: str, networks: Networks, last: CloneRequest | None, *, n_not_found: int
) -> tuple[TransferSettings, TrainingSettings]:
    """Draw the settings and return them.

    Args:
        case_id: the case of the settings.
        networks: the offered architectures.
        last: the last request in this case, the start of these settings; None if there is none.
        n_not_found: classes of the suspect that were not found.

    Raises:
        SettingsError: the combination is not valid.
    """
    transfer = last.transfer if last else TransferSettings()
    training = last.training if last else TrainingSettings(arch=networks.suggested)
    _fill(case_id, transfer, training)
    with st.expander(_summary(networks), icon=":material/tune:", key="clone_settings"):
        training = _training(networks, training)
        transfer = _transfer(transfer, n_not_found)
    return transfer, replace(training, seed=transfer.seed)


def offered_networks(spec: PreprocessSpec, suggested: str) -> Networks:
    """The architectures that suit an input, with the suggested one's name."""
    if spec.kind == "text":
        return Networks({suggested: "Bag of words, logistic regression"}, suggested)
    small = max(spec.height, spec.width) <= SMALL_SIDE
    return Networks({one.name: one.title for one in ARCHITECTURES if one.small == small}, suggested)


def images_per_second(runs: Sequence[CloneRun], training: TrainingSettings) -> float | None:
    """How fast a clone of this architecture and batch size was trained in this case before; None if none was."""
    alike = [
        run
        for run in runs
        if run.history and (run.training.arch, run.training.batch_size) == (training.arch, training.batch_size)
    ]
    if not alike:
        return None
    last = alike[-1].history[-5:]
    seconds = sum(one.seconds for one in last)
    return sum(one.n_images for one in last) / seconds if seconds > 0 else None


# Parts


def _fill(case_id: str, transfer: TransferSettings, training: TrainingSettings) -> None:
    """Give the widgets their values, once for each case."""
    values = {
        "clone_arch": training.arch, "clone_epochs": training.epochs, "clone_batch": training.batch_size,
        "clone_optimiser": training.optimiser, "clone_patience": training.patience,
        "clone_rounds": training.jacobian_rounds, "clone_augment": training.augment,
        "clone_total": min(transfer.total, _MOST), "clone_seed": str(transfer.seed), "clone_fill": transfer.fill_views,
        "clone_any_leaf": transfer.any_leaf,
        "clone_not_found": transfer.not_found, "clone_uncertain": transfer.uncertain,
    }  # fmt: skip
    fill_widgets(OWNER, case_id, values)


def _summary(networks: Networks) -> str:
    state = st.session_state
    arch = state["clone_arch"] or networks.suggested
    title, epochs = inert(networks.titles.get(arch, arch)), counted(state["clone_epochs"], "epoch")
    return f"Settings: {title}, {state['clone_total']:,} images, {epochs}"


def _training(networks: Networks, begun: TrainingSettings) -> TrainingSettings:
    first, second = st.columns(3), st.columns(4)
    with first[0]:
        arch = _architecture(networks)
    with first[1]:
        epochs = _number("Epochs", "clone_epochs", 1, 10_000, 10, "Passes over the images. The paper uses 200.")
    with first[2]:
        batch = _number("Batch size", "clone_batch", 1, 65_536, 16, "Images per step.")
    with second[0]:
        optimiser = st.selectbox(
            "Optimiser", list(_OPTIMISERS), key="clone_optimiser", format_func=lambda one: _OPTIMISERS[one]
        )
    with second[1]:
        patience = _number("Stop early after", "clone_patience", 0, 10_000, 5, _PATIENCE)
    with second[2]:
        most = 0 if networks.suggested == BAG_OF_WORDS else 10
        rounds = _number("Jacobian rounds", "clone_rounds", 0, most, 1, _ROUNDS)
    with second[3]:
        st.space("small")
        augment = st.toggle("Shift and mirror", key="clone_augment", help="Images change slightly in every epoch.")
    return replace(
        begun, arch=arch, epochs=epochs, batch_size=batch, optimiser=optimiser or "sgd", augment=augment,
        patience=patience, jacobian_rounds=rounds,
    )  # fmt: skip


def _transfer(begun: TransferSettings, n_not_found: int) -> TransferSettings:
    total_at, seed_at, leaf_at, fill_at = st.columns(4)
    not_found_at, uncertain_at = st.columns(2)
    with total_at:
        total = _number("Images per clone", "clone_total", 2, _MOST, 500, _TOTAL)
    with seed_at:
        seed = st.text_input("Seed", key="clone_seed", max_chars=19, help=_SEED)
    with not_found_at:
        not_found = st.selectbox(
            "Classes not found", list(_NOT_FOUND), key="clone_not_found", format_func=lambda one: _NOT_FOUND[one],
            help=f"{_MISSING} In this case: {counted(n_not_found, 'class', 'classes')}.",
        )  # fmt: skip
    with uncertain_at:
        uncertain = st.selectbox(
            "Uncertain answers", list(_UNCERTAIN), key="clone_uncertain", help=_DOUBT,
            format_func=lambda one: _UNCERTAIN[one],
        )  # fmt: skip
    with leaf_at:
        st.space("small")
        any_leaf = st.toggle("Other leaves", key="clone_any_leaf",
                             help="A class that has too few found images gets images of other leaves that the suspect "
                             "puts in it, the most consistent first.")  # fmt: skip
    with fill_at:
        st.space("small")
        fill = st.toggle("Fill up with views", key="clone_fill",
                         help="A class that has too few images gets further views of them.")  # fmt: skip
    if not seed.isdecimal():
        st.caption(":material/info: The seed must be a whole number of at least 0; 0 is used instead.")
    return replace(
        begun, total=total, seed=int(seed) if seed.isdecimal() else 0, not_found=not_found or "leave out",
        uncertain=uncertain or "take", fill_views=fill, any_leaf=any_leaf,
    )  # fmt: skip


def _architecture(networks: Networks) -> str:
    def title(name: str) -> str:
        return networks.titles.get(name, name) + (" (suggested)" if name == networks.suggested else "")

    begun = st.session_state["clone_arch"] or networks.suggested
    chosen = st.selectbox(
        "Network", list(dict.fromkeys([*networks.titles, networks.suggested, begun])), key="clone_arch",
        format_func=title, filter_mode="contains", accept_new_options=True,
        help="The clone's architecture may differ from the suspect's. The paper uses GoogLeNet. Any registered "
        "architecture can be entered, such as resnet56 or timm/resnet10t.",
    )  # fmt: skip
    return str(chosen or networks.suggested)


def _number(label: str, key: str, least: int, most: int, step: int, text: str) -> int:
    return int(st.number_input(label, least, most, key=key, step=step, help=text))


_TOTAL = "Shared evenly among the classes; a source with fewer images gives fewer. The paper uses 5,000."
_SEED = "Determines the images drawn, the initial weights and the order of training."
_DOUBT = "Answers whose true score may lie below tau or the evidence limit, so that they may not be findings at all."
_PATIENCE = (
    "Epochs without a better agreement on held-out images after which training ends; 0 for never. The best weights are "
    "kept in any case."
)
_ROUNDS = (
    "Rounds of augmentation after Papernot et al.: each adds the images again, moved to where the clone's answer "
    "changes most, queries the suspect with them, and trains for the same number of epochs again."
)
_MISSING = (
    "A clone never learns a class without images. Random images are those of the whole corpus that the suspect puts in "
    "the class."
)
