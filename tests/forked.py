"""Processes that a test may kill, each forked from one server in which the slow imports are done."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["at_hand"])  # the context has one list: a module that set its own would replace it
HERE = str(Path(__file__).resolve().parent)
MAIN = sys.modules["__main__"]  # a page that a test runs takes its place, and a new process would run that again


def process(target: Callable[..., object], args: tuple[Any, ...]) -> ForkServerProcess:
    """A process that is not started yet; the first one starts the server.

    Python 3.11 tells the server no `sys.path`, and the server skips what it cannot import without a word.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")])))
        forkserver.ensure_running()
    sys.modules["__main__"] = MAIN
    return SERVER.Process(target=target, args=args)
