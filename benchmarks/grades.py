"""How often is an answer of each grade right? On recorded answers, without any query.

    python benchmarks/grades.py --answers benchmarks/factory FOLDER/cut FOLDER/cifar10 ... [--save]

Reads tables as ablation.py does. Each family of suspects is a row: for each grade, the answers that were right (more
than half of their leaves in the class's true region) and all answers, over corpora as they are; and how many answers of
that grade came where the true region had been taken away. The limits of the grades were chosen on the even networks of
the tables in `CHOSEN_ON`, and a table with "+" in its name has suspects of another over a larger corpus: neither is
counted. `--save` writes grades.csv, and `fdcore.method.grades` states the sums of the counted rows: right answers,
and all answers, those after removal included.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from ablation import Known, read
from record import save

from fdcore.method.grades import MEASURED, grade_of
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, SelectionSettings, limits_of, select

CHOSEN_ON = ("factory", "cut")
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def main() -> None:
    """Count and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", nargs="+", type=Path, required=True)
    parser.add_argument("--save", action="store_true", help="write grades.csv")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for path in options.answers:
        networks = list(read(path))
        for even in (True, False) if path.name in CHOSEN_ON else (None,):
            counts: Counter[tuple[str, str]] = Counter()
            for network in networks:
                if even is None or (int(network.name) % 2 == 0) == even:
                    count(network, counts)
            counted = "no" if even or "+" in path.name else "yes"
            row: dict[str, object] = {"suspects": path.name, "even": even, "counted": counted}
            for word in MEASURED:
                row |= {f"{word} {what}": counts[word, what] for what in ("right", "answers", "after removal")}
            rows.append(row)
            print(row, flush=True)
    kept = [row for row in rows if row["counted"] == "yes"]
    for word in MEASURED:
        n_right, n, n_after = (sum(int(str(row[f"{word} {what}"])) for row in kept)
                               for what in ("right", "answers", "after removal"))  # fmt: skip
        print(word, n_right, n + n_after)
    if options.save:
        save(__file__, rows)


def count(network: Known, counts: "Counter[tuple[str, str]]") -> None:
    """Add one network's answers, as they are and with the true regions taken away."""
    scores, settings = network.scores, SelectionSettings()
    fixed = replace(settings, evidence=limits_of(scores, settings).evidence)
    for target, inside in enumerate(network.regions):
        found, word = answer(scores, network.apart, fixed, target)
        if word:
            winner = found.winner
            counts[word, "answers"] += 1
            counts[word, "right"] += bool(winner and inside[list(winner.members)].mean() > 0.5)
        if inside.any():
            rest = ~inside
            _, word = answer(scores.part(rest), network.apart[np.ix_(rest, rest)], fixed, target)
            counts[word, "after removal"] += 1


def answer(scores: Scores, apart: Matrix, settings: SelectionSettings, target: int) -> tuple[ClassSelection, str]:
    """One class's answer and its grade; "" where nothing is found."""
    (found,) = select(scores, np.arange(len(scores.nodes)), apart, settings, [target])
    grade = grade_of(found, scores, lambda leaves: apart[np.ix_(leaves, leaves)], settings)
    return found, grade.word if grade else ""


if __name__ == "__main__":
    main()
