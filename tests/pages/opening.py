"""Opening a page of the real app without a browser; no run of it may end in an exception (see `conftest`)."""

from conftest import REPOSITORY
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case

PAGES = sorted(path.stem for path in (REPOSITORY / "pages").glob("[0-9]*.py"))  # the steps


def open_app(**parameters: str) -> AppTest:
    """The first page with these parameters in its URL, drawn once."""
    return _at_address(parameters).run()


def open_page(stem: str, **parameters: str) -> AppTest:
    """The page of that file name with these parameters in its URL, drawn once, as a link to it opens it."""
    return _at_address(parameters).switch_page(f"pages/{stem}.py").run()


def open_case(stem: str, case: Case, **parameters: str) -> AppTest:
    """That page of a case."""
    return open_page(stem, case=case.folder.name, **parameters)


def _at_address(parameters: dict[str, str]) -> AppTest:
    at = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60)
    for name, value in parameters.items():
        at.query_params[name] = value
    return at
