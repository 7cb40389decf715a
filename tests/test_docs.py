"""The documentation is true, and the scripts that it names still work."""

import ast
import pkgutil
import re
import shlex
import shutil
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY
from PIL import Image

import fdcore
from fdcore import demo, errors
from fdcore.cli import main

SCRIPTS = sorted([*REPOSITORY.glob("benchmarks/*.py"), *REPOSITORY.glob("scripts/*.py")])
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
_NAME = re.compile(r"`((?:fdcore|ui)\.\w[\w.]*|(?:fdcore|ui|pages|tests|docs|benchmarks|scripts)/\w[\w./-]*)`")
README = (REPOSITORY / "README.md").read_text()


def commands(text: str) -> list[str]:
    """The shell commands of indented or fenced blocks, continued lines joined."""
    joined = text.replace("\\\n", " ")
    return [
        line.strip().removeprefix("$ ")
        for line in joined.splitlines()
        if re.match(r"\s*(\$ )?(fdcore|make|python) ", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    """Every relative link and picture of a page exists."""
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_make_target_that_is_named_exists(page):
    """`make X` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for command in commands(page.read_text()):
        if command.startswith("make "):
            assert command.split()[1] in targets, command


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_line_that_is_shown_parses(page):
    """`fdcore ...` in a page is accepted by the parser (nothing is run)."""
    parser = main._parser()
    for command in commands(page.read_text()):
        words = shlex.split(command, comments=True)
        if words[0] == "fdcore" or words[:3] == ["python", "-m", "fdcore"]:
            parser.parse_args(words[1 if words[0] == "fdcore" else 3 :])


def test_every_module_and_file_that_a_text_names_exists():
    """In pages and docstrings: what is written with dots is a module or stands in one, with slashes it is a file."""
    folders = ("docs", "fdcore", "ui", "pages", "tests", "benchmarks", "scripts")
    texts = [*REPOSITORY.glob("*.md"), *(path for folder in folders for path in (REPOSITORY / folder).rglob("*.*"))]
    missing = []
    for path in texts:
        for name in re.findall(_NAME, path.read_text() if path.suffix in (".py", ".md") else ""):
            try:
                found = (REPOSITORY / name).exists() if "/" in name else pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                found = None
            missing += [] if found else [f"{path.relative_to(REPOSITORY)}: {name}"]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_every_script_imports_what_there_is(script):
    """Each name that a script or a benchmark imports from the engine exists."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fdcore"):
            for alias in node.names:
                assert pkgutil.resolve_name(f"{node.module}.{alias.name}") is not None


def test_make_bench_runs_the_benchmarks_that_need_no_argument():
    """Each script that the target names is there, and requires no option."""
    names = re.search(r"^BENCHMARKS := (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert all("required=True" not in (REPOSITORY / f"benchmarks/{name}.py").read_text() for name in names)


def test_every_line_of_the_python_page_runs(tmp_path, monkeypatch, capsys):
    """docs/python.md, block by block, with the demo suspect and a few drawings: the dogs are found."""
    text = (REPOSITORY / "docs" / "python.md").read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copy(demo.SUSPECT_PATH, "seized.pt")
    for leaf, number in product(demo.LEAVES[24:42], range(4)):  # birds, cats, dogs; too few to ask other networks
        path = Path("leaves" if leaf.name == "robin" else "pictures", leaf.wnid, f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(demo.draw_picture(leaf, number=number)).save(path)
    Path("leaves", demo.LEAVES[24].wnid).rename("leaves/unnamed")
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert "classes found, 144 queries sent" in printed
    assert "alpha must be above 0" in printed
    assert "dog" in names["findings"][3].name
    assert names["kept"].to_frame().equals(fdcore.Findings.of(names["case"]).to_frame())
    assert all(f"fdcore.{name}" in text or f"`{name}`" in text for name in fdcore.__all__ if name != "__version__")


def test_exit_codes_are_the_documented_ones():
    """Each error class has its code in the README, in --help and in the tree's own text."""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.FdError)]
    for error in classes:
        if error is not errors.FdError:
            assert re.search(rf"{error.__name__}\s+{error.exit_code}\s", errors.__doc__)
            assert re.search(rf"^\| {error.exit_code} \|", README, re.MULTILINE)
            assert re.search(rf"^\s+{error.exit_code}\s", main.EXIT_CODES, re.MULTILINE)


def test_every_module_has_its_line_in_the_architecture():
    """docs/architecture.md names each module and each folder of the engine's top level."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    modules = {f"`{path.stem}" for path in (REPOSITORY / "fdcore").glob("[a-z]*.py")}  # with or without .py
    folders = {f"`{path.parent.name}/`" for path in (REPOSITORY / "fdcore").glob("*/__init__.py")}
    assert {name for name in modules | folders if name not in text} == set()


def test_the_runtimes_of_formats_are_tested_as_they_are_pinned():
    """The test packages hold each runtime of requirements-formats.txt in the same version."""
    wanted = [line for line in (REPOSITORY / "requirements-formats.txt").read_text().split("\n") if "==" in line]
    tested = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    assert wanted
    assert {*wanted} <= {*tested}
