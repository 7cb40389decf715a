"""The clones that a case holds: their records, and how they did on pictures that were held back from them.

    cloning/runs/<id>/               see fdcore.cloning.run
    cloning/asked/<key>/             pictures beside the corpus, and the suspect's answers (a ledger)
    cloning/asked/<key>/set.json     what a set for testing is called, and which of its folders is which class
    cloning/asked/<key>/truth.npy    (n_images,) int32, the true class of each of its pictures; -1 where nothing says

Nothing here imports torch or asks the suspect; `fdcore.work.clones` makes what is read here.
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
