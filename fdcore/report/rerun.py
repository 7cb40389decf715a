"""The commands that reproduce a case's findings elsewhere, from the same suspect and the same images."""

import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import PurePath

from fdcore.case.records import AskingFacts, CaseFacts
from fdcore.corpus.remote import is_address
from fdcore.method.selection import SelectionSettings

_STRENGTHS = {"rotation": "rotation_deg", "translation": "translation", "perspective": "perspective", "noise": "noise"}


def rerun_commands(facts: CaseFacts, settings: SelectionSettings) -> tuple[str, ...]:
    """Command lines with every setting spelled out; files and folders by their names alone.

    Returns:
        The command that queries and weighs everything again (left out where there is no file to query, or the case
        does not record how it was queried), and the one that weighs this case's recorded answers.
    """
    weighing = _weighing(settings)
    again = _line(["fdcore", "select", "CASE", *weighing])
    if facts.evidence is None or facts.asking is None:
        return (again,)
    what = [_name(facts.evidence.name), *_corpora(facts, facts.asking), "--out", "again"]
    # What was asked adaptively depended on how it was going to be weighed; `again` then weighs as the case does now.
    planned = _weighing(facts.asking.adaptive.selection) if facts.asking.adaptive else weighing
    asking = facts.asking if facts.kind == "picture" else replace(facts.asking, views=None)  # fixed for texts
    how = [*_asking(asking), *_suspect(facts, asking), *planned]
    return _line(["fdcore", "investigate", *what, *how]), again


def _line(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _weighing(settings: SelectionSettings) -> list[str]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return [_option(name.replace("_", "-"), value) for name, value in values.items()]


def _option(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={'auto' if value is None else _text(value)}"


def _asking(asking: AskingFacts) -> list[str]:
    words = [f"--views={asking.n_views}", f"--images-per-leaf={asking.images_per_leaf or 0}", f"--seed={asking.seed}"]
    if asking.views:
        words += [f"--{option}={_text(getattr(asking.views, name))}" for option, name in _STRENGTHS.items()]
    words += [f"--n-classes={asking.n_classes}"] if asking.n_classes else []
    words += ["--adaptive"] if asking.adaptive else []
    return words + ([f"--budget={asking.budget}"] if asking.budget else [])


def _suspect(facts: CaseFacts, asking: AskingFacts) -> list[str]:
    """How the suspect was opened: its architecture, and the resulting preprocessing, number by number.

    The plan, which may have changed since, is used where the case does not record what the suspect was queried with.
    """
    arch = asking.arch or (facts.plan.suspect.arch if facts.plan and not asking.corpora else None)
    words = [f"--arch={arch}"] if arch else []
    words += [f"--output={asking.output}"] if asking.output else []
    words += [f"--runtime={asking.runtime}"] if asking.runtime != "auto" else []
    if facts.suspect is None or facts.kind == "text":
        return words
    spec = facts.suspect.preprocessing
    words += [f"--input-size={spec.height}x{spec.width}", f"--channels={spec.channels}", f"--layout={spec.layout}"]
    words += [f"--channel-order={spec.order}", f"--mean={_text(spec.mean)}", f"--std={_text(spec.std)}"]
    return [*words, f"--value-range={_text(spec.value_range)}"]


def _corpora(facts: CaseFacts, asking: AskingFacts) -> list[str]:
    planned = facts.plan if facts.plan and not asking.corpora else None
    folders = [_name(folder) for folder in asking.corpora or (planned.corpora if planned else ())]
    if not folders and facts.corpus:
        folders = list(facts.corpus.folders or facts.corpus.sources)
    hierarchy = asking.hierarchy or (planned.hierarchy if planned else None)
    words = [word for folder in folders for word in ("--corpus", folder)]
    words += ["--hierarchy", _name(hierarchy)] if hierarchy else []
    return words + (["--names", _name(asking.names)] if asking.names else [])


def _name(path: str) -> str:
    """A file's own name, which no command line reads as an option; an address stays as it is."""
    if is_address(path):
        return path
    name = PurePath(path).name or "suspect"
    return f"./{name}" if name.startswith("-") else name


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_text(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
