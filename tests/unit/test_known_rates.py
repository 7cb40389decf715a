"""The error rates that reports state are those that were measured, and those of the documentation."""

import csv
import re
from dataclasses import replace

from conftest import REPOSITORY

from fdcore.method.grades import SCALE, measured
from fdcore.method.known_rates import BY_DEFAULT, BY_PAPER_RULE, HARDENED, known_rates
from fdcore.method.selection import SelectionSettings

FAMILIES = ("factory", "cut", "cifar10", "cifar100", "imagenet", "signs", "digits")
RULES = {"default": BY_DEFAULT, "the paper's rule, k by silhouette": BY_PAPER_RULE}


def test_each_rate_is_the_measured_one():
    """benchmarks/ablation.csv has the same counts and shares for both rules and each family."""
    with (REPOSITORY / "benchmarks" / "ablation.csv").open(newline="") as file:
        rows = {(row["answers"], row["rule"]): row for row in csv.DictReader(file)}
    for rule, rates in RULES.items():
        for family, known in zip(FAMILIES, rates, strict=True):
            row = rows[family, rule]
            measured = [
                float(row[name]) for name in ("networks", "covered", "absent", "right", "wrong", "false", "precision")
            ]
            assert list(known[1:]) == measured, (rule, family)


def test_the_documentation_states_the_same():
    """docs/error-rates.md has each rate, rounded to two digits, in the row of its family."""
    text = (REPOSITORY / "docs" / "error-rates.md").read_text()
    factory, cut, real = re.split(r"^## ", text, flags=re.MULTILINE)[1:4]
    for part, place in ((factory, 0), (cut, 1)):
        for rule, rates in RULES.items():
            row = next(line for line in part.splitlines() if rule in line.replace("**", "") and line.startswith("|"))
            assert numbers(row)[:4] == rounded(rates[place])
    names = ("CIFAR-10, two", "CIFAR-100", "ImageNet, 1,000", "traffic signs", "digits")
    for place, name in enumerate(names, start=2):
        cells = next(line for line in real.splitlines() if line.startswith(f"| {name}")).split("|")[2:]
        n_held, n_absent = map(int, cells[0].split("/"))
        for cell, rates in ((cells[1], BY_DEFAULT), (cells[4], BY_PAPER_RULE)):
            assert (rates[place].n_held, rates[place].n_absent) == (n_held, n_absent)
            assert numbers(cell) == rounded(rates[place])


def test_the_rule_in_use_decides_which_rates_are_stated():
    """The paper's own for its rule; where a setting was changed, that is said."""
    default, paper = SelectionSettings(), SelectionSettings().by_paper_rule()
    assert known_rates(default)[0] is BY_DEFAULT
    assert known_rates(paper)[0] is BY_PAPER_RULE
    rates, said = known_rates(replace(paper, eta=3.0))
    assert rates is BY_PAPER_RULE
    assert "departs" in said
    assert "departs" not in known_rates(default)[1]


def test_the_rate_of_planted_back_doors_is_the_measured_one():
    """Counted in benchmarks/backdoors.csv over the networks that did not choose the rule; the documentation agrees."""
    with (REPOSITORY / "benchmarks" / "backdoors.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["corpus"] == "all" and row["carrier"] in ("digits", "signs") and int(row["number"]) % 2
            if row["n_planted"] == "500" and row["blended"] == "False" and not row["n_classes"]
        ]
    planted, clean = (
        [row["flagged"] == "True" for row in rows if bool(row["planted"]) == had] for had in (True, False)
    )
    assert (sum(planted), len(planted), sum(clean), len(clean)) == HARDENED
    text = (REPOSITORY / "docs" / "error-rates.md").read_text()
    assert f"| **odd numbers, for judging** | {sum(planted)} of {len(planted)} | {sum(clean)} of {len(clean)} |" in text


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"(?<![\w.])(?:\d?\.\d+|0|1\.0)(?![\w.])", text)]


def rounded(rates) -> list[float]:
    return [round(value + 1e-9, 2) for value in rates[4:]]


def test_the_scale_of_the_documentation_is_the_programs():
    """Words, grade, counts and interval of each row."""
    text = (REPOSITORY / "docs" / "error-rates.md").read_text()
    for word, words in SCALE.items():
        n_right, n, low, high = measured(word)
        assert f"| {words} | {word} | {n_right} of {n} | {100 * low:.0f} to {100 * high:.0f} % |" in text


def test_the_readme_states_the_measured_shares():
    """Right answers and all answers of each grade."""
    text = " ".join((REPOSITORY / "README.md").read_text().split())
    for word in SCALE:
        n_right, n, *_ = measured(word)
        assert re.search(rf"{n_right} of {n} (answers graded )?\*\*{word}\*\*", text), word
