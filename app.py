"""The dashboard's entry: the cases of a folder and their verdicts.

streamlit run app.py            # reads the folder cases/, or the one named by FDCORE_CASES
"""

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from fdcore.case import Case
from fdcore.errors import FdError


def find_cases(root: Path) -> list[Path]:
    """The case folders below `root`, newest first."""
    found = [path.parent for path in root.glob("**/case.json")]
    return sorted(found, key=lambda folder: (folder / "case.json").stat().st_mtime, reverse=True)


def show_case(case: Case) -> None:
    """The verdict per class, as it stands on disk."""
    facts, found = case.facts(), case.read_json("selection.json")
    overall = found["overall"]
    st.text(facts["suspect"]["description"])
    metrics = {
        "Classes found": f"{overall['n_found']} of {overall['n_classes']}",
        "Queries sent": f"{found['n_sent']:,}",
        "Corpus leaves": f"{facts['corpus']['n_leaves']:,}",
        "Overall L": f"{overall['functional']:.2f}",
        "Overall S": f"{overall['semantic']:.2f}",
    }
    for column, (label, value) in zip(st.columns(len(metrics)), metrics.items(), strict=True):
        column.metric(label, value, border=True)
    rows = [
        {
            "Class": entry["target_class"],
            "Found": entry["ancestor_label"] or "not found",
            "Leaves": ", ".join(entry["labels"]),
            "L": entry["functional_score"],
            "S": entry["semantic_score"],
            "Images kept": entry["n_images"],
            "Take care": ", ".join(entry["weaknesses"]),
        }
        for entry in found["classes"]
    ]
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"L": number, "S": number})
    st.download_button("Report (HTML)", case.path("report.html").read_bytes(), "report.html", type="primary")


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="fdcore", layout="wide")
    st.title("Cases")
    folders = find_cases(Path(os.environ.get("FDCORE_CASES", "cases")))
    if not folders:
        st.info("There is no case yet. Make one with `make demo`, or with `fdcore investigate`.")
        return
    folder = st.selectbox("Case", folders, key="case")
    try:
        show_case(Case.open(folder))
    except FdError as error:
        st.error("This case cannot be shown.")
        st.text(str(error))
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:  # whatever a damaged file may lack
        st.error("This case cannot be shown.")
        st.text(
            f"A file of the case is damaged or missing ({error!r}). `fdcore select {folder}` makes the results anew."
        )


main()
