"""How often answers are right, wrong and false where the truth is known, by family of suspects.

The same figures as in docs/error-rates.md, which describes the suspects and defines the words; a test compares them,
and both with benchmarks/ablation.csv and benchmarks/backdoors.csv.
"""

from typing import NamedTuple

from fdcore.method.scores import wilson_interval
from fdcore.method.selection import SelectionSettings
from fdcore.texts import Kind


class KnownRates(NamedTuple):
    """One family of suspects.

    Attributes:
        suspects: what they are.
        n_suspects: how many.
        n_held, n_absent: classes that the corpus held, and classes that it did not (by nature, or because what they
            were trained on was taken away).
        right, wrong: of the classes held, the share with a right and with a wrong answer.
        false: of the absent classes, the share with any answer.
        precision: the share of right answers among all answers over the whole corpus.
    """

    suspects: str
    n_suspects: int
    n_held: int
    n_absent: int
    right: float
    wrong: float
    false: float
    precision: float


BY_DEFAULT = (
    KnownRates("small weak networks", 63, 748, 803, 0.202, 0.120, 0.215, 0.590),
    KnownRates("parts of a network of ImageNet", 60, 884, 948, 0.563, 0.122, 0.301, 0.814),
    KnownRates("CIFAR-10, two networks", 2, 14, 20, 0.786, 0.143, 0.300, 0.733),
    KnownRates("CIFAR-100", 1, 29, 100, 0.103, 0.138, 0.130, 0.188),
    KnownRates("ImageNet, 1,000 classes", 1, 200, 1000, 0.555, 0.005, 0.023, 0.847),
    KnownRates("traffic signs, beside the signs", 1, 43, 43, 0.930, 0.0, 0.023, 1.0),
    KnownRates("digits, beside the digits", 1, 10, 10, 1.0, 0.0, 0.0, 1.0),
)
BY_PAPER_RULE = (  # k by silhouette
    KnownRates("small weak networks", 63, 748, 803, 0.163, 0.330, 0.426, 0.314),
    KnownRates("parts of a network of ImageNet", 60, 884, 948, 0.493, 0.227, 0.444, 0.672),
    KnownRates("CIFAR-10, two networks", 2, 14, 20, 0.500, 0.500, 0.900, 0.389),
    KnownRates("CIFAR-100", 1, 29, 100, 0.034, 0.138, 0.140, 0.067),
    KnownRates("ImageNet, 1,000 classes", 1, 200, 1000, 0.115, 0.0, 0.003, 0.885),
    KnownRates("traffic signs, beside the signs", 1, 43, 43, 0.977, 0.0, 0.023, 1.0),
    KnownRates("digits, beside the digits", 1, 10, 10, 1.0, 0.0, 0.300, 1.0),
)


class FlagRates(NamedTuple):
    """How often a warning was given where it should be, and where it should not.

    Attributes:
        n_flagged, n_planted: networks with a planted back-door that were flagged, and all of them.
        n_false, n_clean: the same of networks trained without.
    """

    n_flagged: int
    n_planted: int
    n_false: int
    n_clean: int

    @property
    def in_words(self) -> str:
        """Both in a sentence, with 95 % intervals (Wilson)."""
        flagged, false = (
            f"{n:,} (95 % interval {low:.0%} to {high:.0%})"
            for n, (low, high) in (
                (self.n_flagged, wilson_interval(self.n_flagged, self.n_planted)),
                (self.n_false, wilson_interval(self.n_false, self.n_clean)),
            )
        )
        return (
            f"Of {self.n_planted:,} small networks with photographs planted in digits or signs, {flagged} were flagged "
            f"so; of {self.n_clean:,} clean ones, {false}."
        )


HARDENED = FlagRates(3, 4, 0, 4)  # the networks that were not used to choose the rule
LEAVES = (200, 243)  # of the corpora that all of this, and the grades, were measured over


def known_rates(settings: SelectionSettings, kind: Kind = "picture") -> tuple[tuple[KnownRates, ...], str]:
    """The rates of the rule in use, and under which conditions they were measured, in a sentence."""
    of = "" if kind == "picture" else " on classifiers of pictures, and not of texts as this one"
    corpora = f"Measured{of}, over corpora of {LEAVES[0]} to {LEAVES[1]} leaves"
    if settings == SelectionSettings():
        return BY_DEFAULT, f"{corpora}, with the default settings, which this case has too."
    if settings == SelectionSettings().by_paper_rule():
        return BY_PAPER_RULE, f"{corpora}, by the paper's rule, which this case follows too."
    rule, rates = ("the paper's rule", BY_PAPER_RULE) if settings.without_limits else ("the default rule", BY_DEFAULT)
    return rates, f"{corpora}, by {rule} with its usual settings, from which this case departs."
