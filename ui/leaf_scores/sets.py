"""The corpus's sets side by side: the best leaf of each for the class, and its best pictures."""

import streamlit as st

from fdcore.method.sets import SetScores, best_pictures
from ui import cached
from ui.text import counted, inert, plain, shortened
from ui.workbench.bars import bar, bars
from ui.workbench.bench import Bench
from ui.workbench.picked import LEAF, pick
from ui.workbench.pictures import grid

N_PICTURES = 8  # of each set
N_SHOWN = 6  # sets with their pictures
_AGREEMENT = (
    "**Agreement**: the mean over a set's leaves of the share of views in the leaf's own class, which other pictures "
    "of the leaf have chosen. Near 100 % the suspect takes each leaf for one class; with {n:,} classes, blind answers "
    "give about {blind:.0%}. **Consistency**: what pictures of one leaf have in common beyond what untrained networks "
    "see. Pictures that look alike have a high agreement whatever a network learned; compare the consistency. Both are "
    "the same for all classes."
)


def sets(bench: Bench) -> None:
    """Draw the sets, those with the best leaf for the class first; a bar opens that leaf."""
    scored, number = bench.scored, bench.target_class
    found = cached.sets(bench.case)
    if len(found) < 2:
        st.info(
            "The corpus has one set. Hang another folder below a node on the Corpus page, and query it, to see which "
            "of them the suspect answers more clearly.",
            icon=":material/splitscreen:",
        )
        return
    ranked = sorted(found, key=lambda one: -float(one.score[number]))
    rows = [_row(bench, one) for one in ranked]
    alt = f"The best leaf of each set in class {number}; the best is {rows[0]['name']} with {rows[0]['end']}"
    st.markdown(f"**Best leaf of each set for class {number}**")
    bars(rows, key="set_bars", alt=alt, line=bench.settings.tau, picked=st.query_params.get(LEAF, ""),
         on_click=lambda node: pick(leaf=node))  # fmt: skip
    chance = bench.case.facts().chance
    beyond = {one.name: f", consistency {one.in_words}" for one in (chance.sets if chance else ())}
    st.caption(
        "  \n".join(
            f"{inert(shortened(one.name, 40))}: agreement {one.agreement:.0%}{beyond.get(one.name, '')}"
            for one in ranked[:12]
        ),
        help=_AGREEMENT.format(n=scored.scores.n_classes, blind=1 / scored.scores.n_classes),
    )
    for place, one in enumerate(ranked[:N_SHOWN]):
        images = best_pictures(scored, one, number, N_PICTURES)
        st.text(f"{shortened(plain(one.name), 60)}: {_size(one)}")
        if len(images):
            grid(bench, images, f"set_pictures_{place}", caption=lambda share: f"{share.n_hits}/{share.n_views}")
        else:
            st.caption("No view of its pictures was put in this class.")


def _row(bench: Bench, one: SetScores) -> dict[str, object]:
    number = bench.target_class
    leaf, score = int(one.best[number]), float(one.score[number])
    low, high = float(one.low[number]), float(one.high[number])
    label = bench.scored.label(leaf)
    words = [f"{one.name}: {label}", f"L {score:.3f} ({low:.2f} to {high:.2f}), on the half of its images that did not "
             "choose it", _size(one), f"agreement {one.agreement:.2f}"]  # fmt: skip
    return bar(bench.scored.scores.nodes[leaf], f"{one.name}: {label}", (score,), end=f"{score:.2f}", words=words,
               strong=score >= bench.settings.tau, interval=(low, high))  # fmt: skip


def _size(one: SetScores) -> str:
    return f"{counted(len(one.leaves), 'leaf', 'leaves')}, {counted(one.n_images, 'picture')}"
