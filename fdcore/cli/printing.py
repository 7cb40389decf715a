"""What the command line prints: progress bars and tables."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fdcore.case.readings import reading_in_words
from fdcore.case.records import CaseFacts
from fdcore.corpus.leaf_names import is_numbered
from fdcore.suspect.preprocess import NORMALISATION, READING
from fdcore.verdict.reach import counted

if TYPE_CHECKING:
    from fdcore.case.readings import Readings
    from fdcore.case.records import DecidedFacts, SuspectFacts
    from fdcore.corpus.corpus import Survey
    from fdcore.corpus.hierarchy import Hierarchy
    from fdcore.method.findings import Scored
    from fdcore.method.sets import SetScores
    from fdcore.suspect.tensors import TensorTable
    from fdcore.verdict.chance import SetChance


PERCENTILE = (
    "percentile: of 100 random selections of as many leaves of the corpus, how many are on average less similar to the "
    "claim; leaves without a known word do not count."
)


class ProgressBar:
    """A bar with rate and remaining time for each stage; silent where standard error is not a terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: tqdm[Any] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show `done` of `total`; a new stage closes the previous bar."""
        if self._bar is None or stage != self._stage:
            self._close()
            self._stage = stage
            # disable=None: silent without a terminal. `initial` keeps earlier work out of the rate.
            self._bar = tqdm(total=total, initial=done, desc=stage, disable=None, dynamic_ncols=True, smoothing=0.1)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""


def readings(found: "Readings") -> str:
    """The readings of a suspect's file that were compared, the best first, and whether the first is clearly ahead."""
    rows = [("reading", "bits", "behind by", "classes used", "found", "label set")]
    for one in found.readings:
        behind = f"{one.behind[0]:.3f} ± {one.behind[1]:.3f}" if any(one.behind) else ""
        used = f"{one.n_used} of {one.n_classes}"
        name = f"{one.name} (in use)" if one.name == found.in_use else one.name
        rows.append((name, f"{one.bits:.3f}", behind, used, str(one.n_found), one.label_set))
    table = _aligned(rows)
    sent = sum(one.n_queries for one in found.readings)
    lines = [
        f"{counted(len(found.readings), 'reading', 'readings')}, each sent the same "
        f"{counted(found.n_images, 'image', 'images')} of {counted(found.n_leaves, 'leaf', 'leaves')}; "
        f"{counted(sent, 'query', 'queries')} sent",
        "bits: what an answer says about the leaf that its image is from, beyond chance",
        "", *table, "",
    ]  # fmt: skip
    lines += [f"Not possible: {plain(line)}" for line in found.not_possible]
    return "\n".join([*lines, reading_in_words(found)])


def tensors(found: "TensorTable") -> str:
    """A line for each tensor, and how many more there are."""
    rows = [("name", "shape", "type", "mean", "std", "zeros")]
    for one in found.rows:
        mean, std = ("not finite" if value is None else f"{value:.4g}" for value in (one.mean, one.std))
        rows.append((one.name, one.shape, one.type, mean, std, f"{one.zeros:.1%}"))
    more = found.n_tensors - len(found.rows)
    return "\n".join([*_aligned(rows), *([f"and {more:,} more tensors"] if more else [])])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(plain(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def verdict(facts: "CaseFacts", found: Mapping[str, Any], reached: Mapping[str, Any], sent: str) -> str:
    """What all classes together say, and the verdict per class as a table.

    Args:
        found: the content of selection.json.
        reached: that of verdict.json; empty where there is none.
        sent: how many queries were sent, and for what.
    """
    settings, overall = found["settings"], found["overall"]
    n_leaves, n_images = (facts.corpus.n_leaves, facts.corpus.n_images) if facts.corpus else (0, 0)
    headline, head = str(reached.get("headline", "")), reached.get("head")
    lines = [
        *(_head_lines(head) if head else []),
        f"Suspect   {plain(facts.evidence.name if facts.evidence else '')}  {plain(facts.description)}",
        *([f"Runtime   {facts.runtime.sentence}"] if facts.runtime else []),
        f"Corpus    {counted(n_leaves, 'leaf', 'leaves')}, {counted(n_images, 'image', 'images')}",
        f"Queries   {sent}",
        f"Settings  alpha {settings['alpha']:g}, eta {settings['eta']:g}, tau {settings['tau']:g}, "
        f"k {settings['k'] or 'automatic'}{_evidence(settings)}",
        "",
        *_verdict_table(found["classes"]),
        "",
        f"{overall['n_found']} of {overall['n_classes']} classes found, "
        f"overall L {overall['functional']:.2f}, overall S {overall['semantic']:.2f}",
        *(["", plain(headline)] if headline else []),
    ]
    if unnamed := _unnamed(
        *((n, label) for c in found["classes"] for n, label in zip(c["nodes"], c["labels"], strict=True))
    ):
        lines.append(unnamed)
    if facts.suspect and facts.suspect.doubt:
        lines.append(f"{facts.suspect.doubt} {_wrong_guess(facts.suspect)}")
    if facts.asking and (decided := facts.asking.decided):
        lines.append(_decided(decided))
    if not found["complete"]:
        lines.append("Not every planned view was answered (budget, interruption or images without a recorded answer); "
                     "scores rest on those that were.")  # fmt: skip
    return "\n".join(lines)


def _wrong_guess(suspect: "SuspectFacts") -> str:
    """What a guess can do, and with which options runs can be compared."""
    ways = ["--preprocess unit, signed and imagenet"] if {*NORMALISATION} & {*suspect.guessed} else []
    others = [name for one in suspect.assumptions if one.what in (READING, "architecture") for name in one.others]
    ways += [f"--arch {plain(', '.join(others[:3]))}"] if others else []
    compare = f": compare runs with {' and with '.join(ways)}, each with its own --out" if ways else ""
    return f"A wrong guess can change every verdict{compare}."


def _unnamed(*leaves: tuple[str, str]) -> str:
    """What to do about leaves, given with their labels, that have only numbers for names; empty without any."""
    numbered = sorted({leaf for leaf, label in leaves if is_numbered(leaf) and label.isdecimal()})
    if not numbered:
        return ""
    few = ", ".join(map(plain, numbered[:3])) + (", ..." if len(numbered) > 3 else "")
    return (
        f"{counted(len(numbered), 'leaf has', 'leaves have')} only a number for a name ({few}), so findings can say no "
        "more than these numbers. Look at the pictures and name the leaves in a table of id,parent,label; give it to "
        "fdcore investigate with --names."
    )


def _decided(decided: "DecidedFacts") -> str:
    ended = "ended by itself" if decided.finished else "ended with its budget"
    return (
        f"Asking adaptively {ended}: {decided.n_above:,} pairs of class and leaf are above tau, {decided.n_below:,} "
        f"below (error level {decided.error:.0%}), {decided.n_near:,} too near to tell (near_tau.csv)."
    )


def _head_lines(head: Mapping[str, Any]) -> list[str]:
    open_points = plain(", ".join(head["open"]))
    return [
        f"{head['seal'].capitalize()}: {plain(head['title'])}",
        plain(head["because"]),
        *([f"Open: {open_points}"] if open_points else []),
        "",
    ]


def _evidence(settings: Mapping[str, Any]) -> str:
    """What an answer must reach; settings of earlier versions had no such limits."""
    if not settings.get("share") and settings.get("evidence", 0) == 0:
        return ", no limits"
    evidence = settings.get("evidence")
    halves = "" if settings.get("held_out") else ", all images choose"
    return (
        f", evidence {'automatic' if evidence is None else f'{evidence:g}'}, share {settings.get('share', 0):g}, "
        f"exclusive {settings.get('exclusive', 1):g}{halves}"
    )


def _verdict_table(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [("class", "found", "leaves", "covers", "grade", "L", "S", "images", "caveats")]
    for entry in classes:
        if entry["status"] == "not_found":
            doubts = list(entry["weaknesses"])
            if miss := entry.get("nearest"):
                lacks = {"tau": "no candidate", "evidence": "too low", "share": "too small a share"}[miss["lacking"]]
                near = f"{plain(miss['ancestor_label'])}, L {miss['functional_score']:.2f}"
                doubts.append(f"nearest: {near}: {lacks}")
            rows.append((str(entry["target_class"]), "not found", "", "", "", "", "", "", ", ".join(doubts)))
            continue
        doubts = list(entry["weaknesses"])
        if (without := entry.get("without")) and without["label"]:
            doubts.append(f"without it: {without['label']}, L {without['functional_score']:.2f}")
        rows.append(
            (
                str(entry["target_class"]),
                plain(entry["ancestor_label"]),
                plain(", ".join(entry["labels"])),
                "{chosen}/{leaves}".format(**entry["coverage"]),
                entry["grade"]["word"] if entry.get("grade") else "",
                f"{entry['functional_score']:.2f}",
                f"{entry['semantic_score']:.2f}",
                f"{entry['n_images']}/{entry['n_images_before']}",
                plain(", ".join(doubts)),
            )
        )
    return table(rows, flexible=(1, 2), right=(0, 3, 5, 6, 7))


def words(found: Mapping[str, Any], classes: Sequence[Mapping[str, Any]], conclusion: str) -> str:
    """What the claims amount to, claims against findings (the paper's Table 4), and the known label sets."""
    from fdcore.words.agreement import SORTED

    vectors, claims = found["vectors"], found["claims"]
    lost = f", {vectors['n_left_out']:,} unusable ones left out" if vectors.get("n_left_out") else ""
    lines = [f"Claims    {plain(claims['source']) or 'none'}",
             f"Vectors   {plain(vectors['name'])}, {vectors['n_words']:,} words{lost}", "", conclusion]  # fmt: skip
    if found["similarity"]:
        lines += ["", *_similarity_table(found["similarity"], classes), "", PERCENTILE]
    if found["label_sets"]:
        lines += ["", *_label_set_table(found["label_sets"][:8], len(classes)), "", SORTED]
    return "\n".join(lines)


def _similarity_table(similarity: Sequence[Mapping[str, Any]], classes: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [("class", "claimed", "found", "L", "cosine", "percentile", "verdict", "nearest words")]
    for row in similarity:
        near, score, share = row["nearest"], row["functional_score"], row["percentile"]
        rows.append(
            (
                str(row["target_class"]),
                plain(row["claim"]),
                plain(", ".join(classes[row["target_class"]]["labels"])) or "not found",
                "" if score is None else f"{score:.2f}",
                f"{near['cosine']:.3f}" if near else "",
                "" if share is None else f"{int(1000 * share) / 10:.1f}",  # rounded down: 100 means all of them
                row["judgement"] or ("no known word" if row["nodes"] else ""),
                plain(f"{near['claim_token']} - {near['found_token']}") if near else "",
            )
        )
    return table(rows, flexible=(1, 2, 7), right=(0, 3, 4, 5))


def _label_set_table(sets: Sequence[Mapping[str, Any]], n_classes: int) -> list[str]:
    heads = ("known label set", "odd class", "agreement", "p", "compared", "convincing", "same names in")
    rows: list[tuple[str, ...]] = [heads]
    rows += [
        (
            one["name"],
            "" if one["n_labels"] == n_classes else "in front" if one["offset"] else "at the end",
            f"{one['mean']:.2f}",
            f"{one['p_value']:.2g}",
            f"{one['n_compared']} of {n_classes}",
            "yes" if one["agrees"] else "fits, too few classes" if one.get("fits") else "no",
            ", ".join(one["tied_with"]),
        )
        for one in sets
    ]
    shown = [column for column in range(len(heads)) if column not in (1, 6) or any(row[column] for row in rows[1:])]
    rows = [tuple(row[column] for column in shown) for row in rows]
    flexible, right = ([i for i, column in enumerate(shown) if column in some] for some in ((0, 6), (2, 3, 4)))
    return table(rows, flexible=flexible, right=right)


def table(rows: Sequence[Sequence[str]], *, flexible: Sequence[int] = (), right: Sequence[int] = ()) -> list[str]:
    """Rows in aligned columns, with a rule under the first; the flexible columns shrink in a narrow terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    room = max(shutil.get_terminal_size((120, 24)).columns, 60)
    while flexible and sum(widths) + 2 * (len(widths) - 1) > room:
        widest = max(flexible, key=lambda i: widths[i])
        if widths[widest] <= 12:
            break
        widths[widest] -= 1
    lines = []
    for row in rows:
        cells = [_fit(cell, width, i in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def _fit(text: str, width: int, right: bool) -> str:
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return cut.rjust(width) if right else cut.ljust(width)


def plain(text: str) -> str:
    """A hostile label without the control characters that could affect the terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def sets(found: Sequence["SetScores"], scored: "Scored", compared: Sequence["SetChance"]) -> str:
    """The corpus's sets side by side."""
    beyond = {one.name: one.in_words for one in compared}
    rows = [("set", "leaves", "images", "agreement", "consistency", "best leaf", "class", "L")]
    for one in found:
        number = int(one.score.argmax())
        rows.append((plain(one.name), f"{len(one.leaves):,}", f"{one.n_images:,}", f"{one.agreement:.2f}",
                     beyond.get(one.name, ""), plain(scored.label(int(one.best[number]))), str(number),
                     f"{one.score[number]:.2f} ({one.low[number]:.2f} to {one.high[number]:.2f})"))  # fmt: skip
    return "\n".join(
        [
            *table(rows, flexible=(0, 5), right=(1, 2, 3, 6)),
            "",
            "agreement: the mean over leaves of the share of views in the leaf's own class.",
            "consistency: what pictures of one leaf have in common beyond what untrained networks see. Pictures that "
            "look alike have a high agreement whatever a network learned; compare the consistency.",
        ]
    )


def survey(found: "Survey") -> str:
    """The contents of a corpus, as text."""
    lines = [
        f"{plain(s.name)}: {s.layout}, {counted(len(s.n_files), 'node', 'nodes')}, "
        f"{counted(sum(s.n_files.values()), 'file', 'files')}"
        for s in found.sources
    ]
    if counts := Counter((problem.reason, problem.used) for problem in found.problems):
        rows = [("problem", "files", "still used")]
        rows += [(reason, f"{n:,}", "yes" if used else "no") for (reason, used), n in sorted(counts.items())]
        lines += ["", *table(rows, right=(1,))]
    if unnamed := _unnamed(
        *((leaf, found.hierarchy.label(leaf)) for source in found.sources for leaf in source.n_files)
    ):
        lines += ["", unnamed]
    return "\n".join(lines)


def survey_as_dict(found: "Survey") -> dict[str, Any]:
    """The contents of a corpus, JSON-ready."""
    return {
        "sources": [{"name": s.name, "layout": s.layout, "n_files": dict(s.n_files)} for s in found.sources],
        "problems": [problem._asdict() for problem in found.problems],
    }


def node_as_dict(hierarchy: "Hierarchy", node: str) -> dict[str, Any]:
    """A node with its path to the root and its children."""
    return {
        "id": node,
        "label": hierarchy.label(node),
        "synonyms": list(hierarchy.synonyms(node)),
        "path": [{"id": above, "label": hierarchy.label(above)} for above in hierarchy.path_to_root(node)[1:]],
        "children": [{"id": below, "label": hierarchy.label(below)} for below in hierarchy.children(node)],
        "n_leaves": sum(1 for below in hierarchy.descendants(node) if not hierarchy.children(below)),
    }


def nodes(entries: Sequence[Mapping[str, Any]]) -> str:
    """Found nodes as text."""
    blocks = []
    for entry in entries:
        lines = [f"{entry['id']}  {plain(', '.join(entry['synonyms']))}"]
        if entry["path"]:
            lines.append("    above: " + plain(" < ".join(above["label"] for above in entry["path"])))
        if entry["children"]:
            shown = ", ".join(below["label"] for below in entry["children"][:8])
            more = f" and {len(entry['children']) - 8} more" if len(entry["children"]) > 8 else ""
            lines.append(f"    below: {plain(shown)}{more}; {counted(entry['n_leaves'], 'leaf', 'leaves')} in all")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
