"""Whether a file is safe to open. Each scanner runs in its own process; nothing in the file is executed.

Two public scanners (picklescan in strict mode, fickling) and our own list of the globals that a pickle names must all
find the file clean. If a scanner is missing, fails, takes too long or disagrees, the verdict is inconclusive, and the
file is not opened unless the analyst overrides the scan.
"""

import json
import os
import subprocess  # the scanners run apart from us
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fdcore.errors import RefusedError
from fdcore.suspect.formats import STATE_DICT_ADVICE, Format, identify
from fdcore.suspect.scanners import SCANNERS, Finding

Verdict = Literal["clean", "dangerous", "inconclusive"]

TIMEOUT_S = 60.0
MAX_OUTPUT = 1 << 20  # characters of a scanner's answer
N_SHOWN = 4


@dataclass(frozen=True)
class ScanReport:
    """What the scanners report about a file.

    Attributes:
        verdict: "clean" if all agree on it, "dangerous" if our own list or both public scanners find it so, else
            "inconclusive".
        findings: one for each scanner; none if the format cannot hold code.
        sentence: the verdict and its reason, for people.
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    sentence: str = ""


def scan(path: Path, *, timeout_s: float = TIMEOUT_S) -> ScanReport:
    """Run every scanner on a file, each for at most `timeout_s` seconds.

    Raises:
        SuspectError: the file cannot be read.
    """
    kind = identify(path)
    if not kind.pickled:
        if kind.supported:
            return ScanReport("clean", (), f"{path.name} contains no pickle, so there is no code to scan for.")
        return ScanReport("inconclusive", (), f"{path.name} was not scanned because its format cannot be opened.")
    with ThreadPoolExecutor(len(SCANNERS)) as pool:
        findings = tuple(pool.map(lambda name: _run_scanner(name, kind, path, timeout_s), SCANNERS))
    verdict = _judge(findings)
    return ScanReport(verdict, findings, _sentence(path.name, verdict, findings))


def require_safe(report: ScanReport, *, allow_unscanned: bool = False) -> None:
    """Refuse a dangerous file, and one with an inconclusive scan unless the analyst overrides the scan.

    Raises:
        RefusedError: the file must not be opened; the message says why.
    """
    if report.verdict == "dangerous" or (report.verdict == "inconclusive" and not allow_unscanned):
        raise RefusedError(report.sentence, report, key=f"scan {report.verdict}")


def _run_scanner(name: str, kind: Format, path: Path, timeout_s: float) -> Finding:
    """One scanner's finding; a process that fails is a finding too."""
    command = [sys.executable, "-P", "-m", "fdcore.suspect.scanners", name, kind.name, str(path.absolute())]
    roots = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(root for root in roots if root)}
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the path is an argument and never a command
            command, capture_output=True, timeout=timeout_s, env=environment, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "inconclusive", f"{name} did not finish within {timeout_s:g} s")
    except OSError as error:
        return Finding(name, "inconclusive", f"{name} could not be started ({error})")
    try:
        answer = json.loads(done.stdout[:MAX_OUTPUT])
        return Finding(name, answer["verdict"], answer["text"], tuple(answer["named"]))
    except (ValueError, TypeError, KeyError):
        return Finding(name, "inconclusive", f"{name} ended with exit status {done.returncode} and no finding")


def _judge(findings: tuple[Finding, ...]) -> Verdict:
    verdicts = {finding.scanner: finding.verdict for finding in findings}
    if all(verdict == "clean" for verdict in verdicts.values()):
        return "clean"
    others = [verdict for scanner, verdict in verdicts.items() if scanner != "opcodes"]
    if verdicts["opcodes"] == "dangerous" or all(verdict == "dangerous" for verdict in others):
        return "dangerous"
    return "inconclusive"


def _sentence(name: str, verdict: Verdict, findings: tuple[Finding, ...]) -> str:
    if verdict == "clean":
        return f"{name} holds weights only: {'; '.join(finding.text for finding in findings)}."
    if verdict == "dangerous":
        return f"{name} was refused. {_reason(findings)} {STATE_DICT_ADVICE}"
    doubts = "; ".join(finding.text for finding in findings if finding.verdict != "clean")
    return (
        f"{name} was not opened because the scanners could not agree that it is safe: {doubts}. If it was truncated, "
        "copy it again; otherwise inspect it with another tool, ask for its weights as safetensors, or override the "
        "scan if you accept the risk."
    )


def _reason(findings: tuple[Finding, ...]) -> str:
    """The globals that opening would run, or else what the scanners report."""
    named = next((finding.named for finding in findings if finding.named), ())
    if not named:
        reasons = dict.fromkeys(finding.text for finding in findings if finding.verdict == "dangerous")
        return f"It is not a file that PyTorch would write: {'; '.join(reasons)}."
    shown = ", ".join("a computed name" if name == "?.?" else name for name in named[:N_SHOWN])
    rest = f" and {len(named) - N_SHOWN} more" if len(named) > N_SHOWN else ""
    return f"It contains a pickled program, not only weights: opening it would run {shown}{rest}."
