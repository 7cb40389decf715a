"""The version, where every layer can import it, and those of what it runs with."""

import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, distributions
from typing import Any

__version__ = "0.1.0"


def environment() -> dict[str, Any]:
    """What this process runs with: the versions of fdcore, of Python and of every package that fdcore depends on."""
    return {
        "fdcore": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(_packages().items())),
    }


@cache
def _packages() -> dict[str, str]:
    """Versions by name; of all installed packages where fdcore itself was not installed as one."""
    found: dict[str, str] = {}
    wanted = ["fdcore"]
    while wanted:
        name = wanted.pop()
        try:
            own = distribution(name)
        except PackageNotFoundError:  # of another platform
            continue
        needed = [re.split(r"[^A-Za-z0-9._-]", one)[0] for one in own.requires or () if "extra ==" not in one]
        wanted += [one for one in needed if _normal(one) not in found]
        found[_normal(name)] = own.version
    found = found or {_normal(one.name): one.version for one in distributions()}
    return {name: version for name, version in found.items() if name != "fdcore"}


def _normal(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
