"""From classes to a domain: what all findings together say, how far it may be believed, and what would strengthen it.

reach_verdict(...)      the verdict
verdict_as_dict(...)    for the case's files
verdict_in_words(...)   for the command line
cover_parts(...)        how much of each part of the hierarchy is covered, for a treemap
"""

from fdcore.verdict.domains import Domain, Part, cover_parts, find_domains
from fdcore.verdict.reach import Answers, Verdict, reach_verdict, verdict_as_dict, verdict_in_words
from fdcore.verdict.specificity import Specificity, measure_specificity
from fdcore.verdict.weak_points import Circumstances, WeakPoint

__all__ = [
    "Answers",
    "Circumstances",
    "Domain",
    "Part",
    "Specificity",
    "Verdict",
    "WeakPoint",
    "cover_parts",
    "find_domains",
    "measure_specificity",
    "reach_verdict",
    "verdict_as_dict",
    "verdict_in_words",
]
