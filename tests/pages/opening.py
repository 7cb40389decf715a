"""Opening a page of the real app without a browser."""

from conftest import REPOSITORY
from streamlit.testing.v1 import AppTest

PAGES = sorted(path.stem for path in (REPOSITORY / "pages").glob("*.py"))


def open_page(stem: str, **parameters: str) -> AppTest:
    """The page of that file name with these parameters in its URL, drawn once.

    A page can only be reached through app.py, which therefore runs once before it, without parameters.
    """
    at = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=60).run()
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.switch_page(f"pages/{stem}.py").run()
