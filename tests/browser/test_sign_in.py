"""Sign-in through OpenID Connect, against a provider on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.driver import idle, open_page
from browser.identity import IdentityProvider
from browser.server import Server
from playwright.sync_api import Page

from fdcore.case.casebook import Casebook

NAME = "Ada **Nalyst**"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    provider = IdentityProvider(NAME)
    yield provider
    provider.stop()


@pytest.fixture
def closed_server(tmp_path: Path, provider: IdentityProvider) -> Iterator[Server]:
    """A server whose secrets ask for sign-in."""
    made = Server(tmp_path / "closed", settings={"FDCORE_DEMO": "off"})
    folder = made.folder / "home" / ".streamlit"
    folder.mkdir(parents=True)
    (folder / "secrets.toml").write_text(provider.secrets(made.url))
    made.start()
    yield made
    made.stop()


def test_nobody_sees_a_case_before_signing_in_and_the_name_goes_into_the_case(closed_server, scored, page: Page):
    """Every page asks first; then what the analyst does carries the name, which is text and nothing else."""
    case_id = closed_server.add_case(scored)
    for step in ("", "Selection", "Report"):
        open_page(page, closed_server, step, case=case_id)
        assert page.get_by_role("button", name="Sign in").is_visible()
        assert "Complete" not in page.locator("body").inner_text()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{closed_server.url}/**")
    page.get_by_text(f"Signed in as {NAME}").wait_for()
    idle(page)
    book = Casebook(closed_server.cases)
    page.get_by_role("button", name="New case").first.click()
    page.get_by_label("Title", exact=True).fill("Signed")
    page.get_by_role("button", name="Create the case").click()
    page.wait_for_function("location.search.includes('case=signed')")
    assert any(entry["details"].get("by") == NAME for entry in book.open("signed").audit())
