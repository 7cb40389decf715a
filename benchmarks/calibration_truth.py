"""How often is a class's answer right? Counted on finished cases of suspects whose classes are known.

    python benchmarks/calibration_truth.py --cases CASES --data REAL_DATA

CASES holds cases named like the suspects' files without extension, and "demo". Results: calibration_truth.csv, with a
row for the answers without caveats and one for the others, for each case.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from record import save

from fdcore import demo
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, selection_settings
from fdcore.method.findings import weigh
from fdcore.words.label_sets import label_set


def main() -> None:
    """Count and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    cases, data = options.cases, options.data
    truths = json.loads((data / "suspects" / "truth.json").read_text("utf-8"))
    known: dict[str, list[str | None]] = {
        Path(name).stem: truth["nodes"] for name, truth in truths.items() if "nodes" in truth
    }
    known["seized-08"] = known["seized-01"]
    known["seized-04"] = list(label_set("cifar100").nodes)
    known["seized-06"] = list(label_set("imagenet1k-devkit").nodes)
    known["demo"] = [truth.concept for truth in demo.TRUTH]
    rows: list[dict[str, object]] = []
    for name, nodes in sorted(known.items()):
        rows += truth_of(name, cases, nodes)
    for name in ("seized-02", "seized-03", "seized-05"):  # a folder for each class, named by its number
        rows += truth_of(name, cases, None)
    save(__file__, rows)


def truth_of(name: str, cases: Path, nodes: Sequence[str | None] | None) -> list[dict[str, object]]:
    """A row for the classes without a weakness and one for the others; nothing where there is no case.

    Args:
        nodes: the true node of each class, None for a class without one, which is left out; None altogether where the
            right leaf is named by the class's number.
    """
    if not (cases / name / "case.json").is_file():
        return []
    case = Case.open(cases / name)
    findings = weigh(load_scored(case), selection_settings(case))
    scored = findings.scored
    rows: list[dict[str, object]] = []
    for group in ("no weakness", "weakness"):
        found = [f.selection for f in findings.classes if bool(f.weaknesses) == (group == "weakness")]
        shares = []
        for target, winner in ((each.target_class, each.winner) for each in found):
            if winner is None or (nodes is not None and nodes[target] is None):
                continue
            leaves = [scored.scores.nodes[leaf] for leaf in winner.members]
            if nodes is None:
                right = [leaf.rpartition("/")[2].lstrip("0") == str(target).lstrip("0") for leaf in leaves]
            else:
                node = nodes[target]
                right = [node in (leaf, *scored.hierarchy.ancestors(leaf)) for leaf in leaves]
            shares.append(float(np.mean(right)))
        rows.append(
            {
                "case": name,
                "answers": group,
                "n_found": len(shares),
                "all_leaves_right": sum(share == 1 for share in shares),
                "most_leaves_right": sum(share > 0.5 for share in shares),
                "share_of_leaves_right": round(float(np.mean(shares)), 3) if shares else "",
            }
        )
    return rows


if __name__ == "__main__":
    main()
