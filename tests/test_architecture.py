"""The structure is a test that fails."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=REPOSITORY)


def test_data_flows_one_way():
    """import-linter's contracts hold: no folder imports what stands above it, and the pure ones know no case."""
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], capture_output=True, text=True, cwd=REPOSITORY)
    assert result.returncode == 0, result.stdout


def test_nothing_reads_a_pickle_outside_a_cell():
    """Only what runs in a suspect's cell reads pickles, and there by PyTorch's restricted reader."""
    reads = re.compile(r"(?<!safetensors\.)torch\.load\(|pickle\.loads?\(|allow_pickle=True|read_pickle|joblib")
    files = [path for top in ("fdcore", "ui", "pages") for path in (REPOSITORY / top).rglob("*.py")]
    found = {path.relative_to(REPOSITORY).as_posix() for path in files if reads.search(path.read_text())}
    assert found == {"fdcore/suspect/reading/checkpoint.py"}


@pytest.mark.parametrize(
    "module", ["fdcore.work.investigate", "fdcore.cli.main", "fdcore.method.selection", "fdcore.corpus.corpus"]
)
def test_torch_is_not_imported_where_no_network_runs(module):
    """Reading and weighing a finished case costs no import of torch."""
    code = "import sys, importlib; importlib.import_module(sys.argv[1]); print('torch' in sys.modules)"
    assert python(code, module).stdout.strip() == "False"


def test_the_command_line_answers_without_the_heavy_packages():
    """`fdcore --help` and `fdcore tree` import neither torch nor pandas."""
    code = (
        "import sys; from fdcore.cli.main import main; main(['tree', 'crane']);"
        "print([m for m in ('torch', 'pandas', 'sklearn', 'onnxruntime') if m in sys.modules])"
    )
    assert python(code).stdout.strip().endswith("[]")
