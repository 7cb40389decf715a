"""The clones in a case: their records, and their results on held-back pictures.

    cloning/runs/<id>/               see fdcore.cloning.run
    cloning/asked/<key>/             pictures outside the corpus, and the suspect's answers (a ledger)
    cloning/asked/<key>/set.json     a test set's name, and how its folders were matched with classes
    cloning/asked/<key>/truth.npy    (n_images,) int32, the true class of each of its pictures; -1 if unknown

Nothing here imports torch or queries the suspect; `fdcore.work.clones` writes what is read here.
"""

from fdcore.case.clones.answered_sets import (
    CORPUS_SET,
    AnsweredSet,
    EvaluationSetFacts,
    SetRecord,
    asked_folder,
    corpus_set_key,
    read_answered_set,
    read_evaluation_sets,
    reserved_share,
)
from fdcore.case.clones.records import (
    FOLDER,
    RUNS,
    damaged_runs,
    finding_of,
    last_request,
    made_from_another_finding,
    read_run,
    read_runs,
    run_folder,
    trained_on,
    write_run,
)
from fdcore.case.clones.tested import (
    answers_file,
    answers_to_npz,
    class_names,
    left_out,
    read_answers,
    read_comparison,
    read_evaluations,
)

__all__ = [
    "CORPUS_SET",
    "FOLDER",
    "RUNS",
    "AnsweredSet",
    "EvaluationSetFacts",
    "SetRecord",
    "answers_file",
    "answers_to_npz",
    "asked_folder",
    "class_names",
    "corpus_set_key",
    "damaged_runs",
    "finding_of",
    "last_request",
    "left_out",
    "made_from_another_finding",
    "read_answered_set",
    "read_answers",
    "read_comparison",
    "read_evaluation_sets",
    "read_evaluations",
    "read_run",
    "read_runs",
    "reserved_share",
    "run_folder",
    "trained_on",
    "write_run",
]
