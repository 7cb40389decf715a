"""From classes to domains: what the findings together mean, how reliable that is, and what would strengthen it.

`judge` reaches the verdict on findings, `reach_verdict` reaches it from their parts, and `ask_untrained` compares the
suspect with untrained networks for it.
"""

from fdcore.verdict.chance import Chance, ask_untrained
from fdcore.verdict.decision import Decision, Outcome, decide
from fdcore.verdict.domains import Domain, find_domains
from fdcore.verdict.overview import Head, Overview, Row, overview_of
from fdcore.verdict.reach import Answers, Verdict, judge, reach_verdict, verdict_as_dict, verdict_in_words
from fdcore.verdict.reasons import Reason, reason_for
from fdcore.verdict.specificity import Specificity, measure_specificity
from fdcore.verdict.weak_points import Circumstances, WeakPoint

__all__ = [
    "Answers", "Chance", "Circumstances", "Decision", "Domain", "Head", "Outcome", "Overview", "Reason", "Row",
    "Specificity", "Verdict", "WeakPoint", "ask_untrained", "decide", "find_domains", "judge", "measure_specificity",
    "overview_of", "reach_verdict", "reason_for", "verdict_as_dict", "verdict_in_words",
]  # fmt: skip
