"""From classes to a domain: what all findings together say, how far it may be believed, and what would strengthen it.

judge(...)              the verdict on findings
reach_verdict(...)      the same from its parts
ask_untrained(...)      how the suspect compares with untrained networks, for judge
verdict_as_dict(...)    for the case's files
verdict_in_words(...)   for the command line
label_set_in_words(...) which known label set agrees, in a sentence
reason_for(...)         why a weakness of a class's answer matters, and what helps
"""

from fdcore.verdict.chance import Chance, ask_untrained
from fdcore.verdict.decision import Decision, Outcome, decide
from fdcore.verdict.domains import Domain, find_domains
from fdcore.verdict.reach import (
    Answers,
    Verdict,
    judge,
    label_set_in_words,
    reach_verdict,
    verdict_as_dict,
    verdict_in_words,
)
from fdcore.verdict.reasons import Reason, reason_for
from fdcore.verdict.specificity import Specificity, measure_specificity
from fdcore.verdict.weak_points import Circumstances, WeakPoint

__all__ = [
    "Answers",
    "Chance",
    "Circumstances",
    "Decision",
    "Domain",
    "Outcome",
    "Reason",
    "Specificity",
    "Verdict",
    "WeakPoint",
    "ask_untrained",
    "decide",
    "find_domains",
    "judge",
    "label_set_in_words",
    "measure_specificity",
    "reach_verdict",
    "reason_for",
    "verdict_as_dict",
    "verdict_in_words",
]
