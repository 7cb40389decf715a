"""`python -m streamlit`, which writes to FDCORE_TIMES the milliseconds of each script run that an analyst started."""

import os
import time
from pathlib import Path

from streamlit.runtime.scriptrunner import script_runner
from streamlit.web import cli

TIMES = Path(os.environ["FDCORE_TIMES"])
_run_script = script_runner.ScriptRunner._run_script


def _timed(self: script_runner.ScriptRunner, rerun_data: script_runner.RerunData) -> None:
    begun = time.perf_counter()
    _run_script(self, rerun_data)
    if not rerun_data.is_auto_rerun:
        with TIMES.open("a") as file:
            file.write(f"{1000 * (time.perf_counter() - begun):.2f}\n")


script_runner.ScriptRunner._run_script = _timed
if __name__ == "__main__":
    cli.main()
