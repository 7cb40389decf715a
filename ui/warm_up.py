"""Importing what the first page needs, once the server listens and before the first visit."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

_FIRST_PAGE = ("ui.frame", "ui.case.making", "ui.case.overview", "ui.case.table")


@asynccontextmanager
async def warm_up(_app: Any) -> AsyncIterator[None]:
    """The server's lifespan; the imports run in a thread, so that the server answers at once."""
    Thread(target=_import_first_page, name="warm-up", daemon=True).start()
    yield


def _import_first_page() -> None:
    for module in _FIRST_PAGE:
        importlib.import_module(module)
