"""The steps of an investigation in order: their pages, their questions, what each needs; and the pages beside them."""

from collections.abc import Callable
from dataclasses import dataclass

from fdcore.case.casebook import CaseCard


@dataclass(frozen=True)
class Step:
    """One page; `path` is relative to app.py, and `needs` is the stage that a case must have reached, or "".

    A step is `done` in a case or not; the pages beside the steps are not done at any time, and have an `icon`.
    """

    name: str
    path: str
    question: str
    needs: str
    done: Callable[[CaseCard], bool] = lambda card: False
    icon: str = ""


STAGES = ("new", "suspect", "corpus", "scoring", "found")


def reached(card: CaseCard, stage: str) -> bool:
    """Whether a case has reached a stage."""
    return card.stage != "damaged" and STAGES.index(card.stage) >= STAGES.index(stage)


def _is_found(card: CaseCard) -> bool:
    return reached(card, "found")


STEPS = (
    Step("Overview", "app.py", "What is this suspect, how sure is that, and what is open?", "", _is_found),
    Step("Suspect", "pages/1_Suspect.py", "Which model is under investigation, and can it be queried?", "new",
         lambda card: bool(card.suspect)),
    Step("Corpus", "pages/2_Corpus.py", "Which labelled images will the suspect be shown?", "new",
         lambda card: bool(card.corpus)),
    Step("Leaf scores", "pages/3_Leaf_scores.py",
         "Which leaves does the suspect put in each class, and how consistently?", "corpus", _is_found),
    Step("Distances", "pages/4_Distances.py", "How close are a class's candidates in the hierarchy?", "scoring",
         _is_found),
    Step("Selection", "pages/5_Selection.py",
         "Which set of leaves explains each class best, and how stable is that answer?", "scoring", _is_found),
    Step("Verification", "pages/6_Verification.py", "Do the words of the findings agree with what is claimed?",
         "scoring", lambda card: card.words_checked),
    Step("Clone", "pages/7_Clone.py", "Are the findings good enough to copy the model?", "scoring",
         lambda card: card.cloned),
    Step("Report", "pages/8_Report.py", "What was found, how, and how certain is it?", "scoring", _is_found),
)  # fmt: skip


OVERVIEW = STEPS[0]
CASES = Step("Cases", "pages/Cases.py", "Which investigations exist, and how far has each one come?", "",
             icon=":material/folder_open:")  # fmt: skip
JOBS = Step("Jobs", "pages/Jobs.py", "What is under way or waits its turn in all cases, and how did it end?", "",
            icon=":material/notifications:")  # fmt: skip
COMPARE = Step("Compare", "pages/Compare.py", "What differs between two cases, or two settings of one?", "",
               icon=":material/compare_arrows:")  # fmt: skip
GLOSSARY = Step("Glossary", "pages/Glossary.py", "What do the terms and the keys mean?", "", icon=":material/help:")
PLACES = (CASES, JOBS, COMPARE, GLOSSARY)
WITH_CLASS = ("Leaf scores", "Distances", "Selection")  # the steps that show one class


def step(name: str) -> Step:
    """The step, or the page beside the steps, of that name."""
    return next(step for step in (*STEPS, *PLACES) if step.name == name)


def following(step: Step) -> Step | None:
    """The step after it; None at the end, and for a page beside the steps."""
    if step not in STEPS[:-1]:
        return None
    return STEPS[STEPS.index(step) + 1]
