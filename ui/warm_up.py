"""Importing what the first page needs, once the server listens and before the first visit."""

import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

_FIRST_PAGE = ("ui.frame", "ui.case.making", "ui.case.overview", "ui.case.table")
_CONTEXT_LOG = "streamlit.runtime.scriptrunner_utils.script_run_context"


@asynccontextmanager
async def warm_up(_app: Any) -> AsyncIterator[None]:
    """The server's lifespan; the imports run in a thread, so that the server answers at once."""
    # A download is made outside a script run, and Streamlit warns of each cache that it asks.
    logging.getLogger(_CONTEXT_LOG).addFilter(lambda record: "missing ScriptRunContext" not in record.getMessage())
    Thread(target=_import_first_page, name="warm-up", daemon=True).start()
    yield


def _import_first_page() -> None:
    for module in _FIRST_PAGE:
        importlib.import_module(module)
