"""The commands that make a case's findings again, elsewhere, from the same suspect and the same images."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

_STRENGTHS = {"rotation": "rotation_deg", "translation": "translation", "perspective": "perspective", "noise": "noise"}


def rerun_commands(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Command lines with every setting spelled out; files and folders go by their names alone.

    Args:
        facts: the content of case.json.
        settings: alpha, eta, tau, k and k_max of the findings.

    Returns:
        How to ask and weigh everything again (left out where there is no file to ask, or the case does not say how it
        was asked), and how to weigh this case's recorded answers alone.
    """
    weighing = _weighing(settings)
    evidence, asking = facts.get("evidence"), facts.get("asking")
    again = _line(["fdcore", "select", "CASE", *weighing])
    if not isinstance(evidence, Mapping) or not isinstance(asking, Mapping):
        return (again,)
    investigate = ["fdcore", "investigate", _name(evidence.get("name")), *_corpora(facts), "--out", "again"]
    return _line([*investigate, *_asking(asking), *_suspect(facts), *weighing]), again


def _line(words: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _weighing(settings: Mapping[str, Any]) -> list[str]:
    values = dict(settings) | {"k": settings.get("k") or 0}
    return [f"--{name.replace('_', '-')}={_text(value)}" for name, value in values.items()]


def _asking(asking: Mapping[str, Any]) -> list[str]:
    words = [
        f"--views={asking.get('n_views')}",
        f"--images-per-leaf={asking.get('images_per_leaf') or 0}",
        f"--seed={asking.get('seed')}",
    ]
    views = asking.get("views")
    if isinstance(views, Mapping):
        words += [f"--{option}={_text(views[name])}" for option, name in _STRENGTHS.items() if name in views]
    words += [f"--n-classes={asking['n_classes']}"] if asking.get("n_classes") else []
    return words + ([f"--budget={asking['budget']}"] if asking.get("budget") else [])


def _suspect(facts: Mapping[str, Any]) -> list[str]:
    """How the suspect was opened: its architecture, and the preprocessing that came of it, number by number."""
    options = _plan(facts).get("suspect")
    arch = _asked(facts, "arch", options.get("arch") if isinstance(options, Mapping) else None)
    words = [f"--arch={arch}"] if arch else []
    suspect = facts.get("suspect")
    spec = suspect.get("preprocessing") if isinstance(suspect, Mapping) else None
    if not isinstance(spec, Mapping) or not spec:
        return words
    if "height" in spec and "width" in spec:
        words.append(f"--input-size={spec['height']}x{spec['width']}")
    options_of = {"channels": "channels", "layout": "layout", "order": "channel-order"}
    words += [f"--{option}={spec[name]}" for name, option in options_of.items() if spec.get(name)]
    numbers = {"mean": "mean", "std": "std", "value_range": "value-range"}
    return words + [f"--{option}={_text(spec[name])}" for name, option in numbers.items() if spec.get(name)]


def _corpora(facts: Mapping[str, Any]) -> list[str]:
    named = _asked(facts, "corpora", _plan(facts).get("corpora"))
    if isinstance(named, list) and named:
        folders = [_name(folder) for folder in named]
    else:
        folders = [str(source).rpartition(" (")[0] or str(source) for source in facts["corpus"]["sources"]]
    hierarchy = _asked(facts, "hierarchy", _plan(facts).get("hierarchy"))
    words = [word for folder in folders for word in ("--corpus", folder)]
    return words + (["--hierarchy", _name(hierarchy)] if hierarchy else [])


def _asked(facts: Mapping[str, Any], name: str, planned: Any) -> Any:
    """What the suspect was asked with. The plan, which may have changed since, stands in where a case does not say."""
    asking = facts.get("asking")
    return asking[name] if isinstance(asking, Mapping) and name in asking else planned


def _plan(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    plan = facts.get("plan")
    return plan if isinstance(plan, Mapping) else {}


def _name(path: object) -> str:
    """A file's own name; it may not be read as an option."""
    name = PurePath(str(path)).name or "suspect"
    return f"./{name}" if name.startswith("-") else name


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(_text(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
