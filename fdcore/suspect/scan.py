"""Whether a file is safe to open. Each scanner runs in a cell of its own; nothing in the file is executed.

Two public scanners (picklescan in strict mode, fickling) and our own list of the globals that a pickle names must all
find the file clean. If a scanner is missing, fails, takes too long or disagrees, the verdict is inconclusive, and the
file is not opened unless the analyst overrides the scan.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.cell.cell import Limits, ask_once
from fdcore.suspect.cell.evidence import Evidence
from fdcore.suspect.formats import STATE_DICT_ADVICE, Format

Verdict = Literal["clean", "dangerous", "inconclusive"]

SCANNERS = ("opcodes", "picklescan", "fickling")
N_SHOWN = 4


@dataclass(frozen=True)
class Finding:
    """One scanner's verdict ("clean", "dangerous" or "inconclusive"), the reason, and the globals it warns of."""

    scanner: str
    verdict: Verdict
    text: str
    named: tuple[str, ...] = ()


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


def identify(evidence: Evidence, *, limits: Limits = Limits()) -> Format:  # noqa: B008 - it is frozen
    """The kind of a file, by its content.

    Raises:
        SuspectError: it cannot be read.
    """
    return ask_once(evidence, "identify", Format, limits=limits, timeout_s=limits.scan_s)


def scan(evidence: Evidence, kind: Format, *, limits: Limits = Limits()) -> ScanReport:  # noqa: B008 - it is frozen
    """Run every scanner on a file."""
    name = evidence.name
    if kind.runs_code:
        sentence = f"{name} is a program, which no scanner can judge; it runs only in its cell."
        return ScanReport("clean", (), sentence)
    if not kind.pickled:
        if kind.supported:
            return ScanReport("clean", (), f"{name} contains no pickle, so there is no code to scan for.")
        return ScanReport("inconclusive", (), f"{name} was not scanned because its format cannot be opened.")
    with ThreadPoolExecutor(len(SCANNERS)) as pool:
        findings = tuple(pool.map(lambda scanner: _run_scanner(scanner, evidence, kind, limits), SCANNERS))
    verdict = _judge(findings)
    return ScanReport(verdict, findings, _sentence(name, verdict, findings))


def require_safe(report: ScanReport, *, allow_unscanned: bool = False) -> None:
    """Refuse a dangerous file, and one with an inconclusive scan unless the analyst overrides the scan.

    Raises:
        RefusedError: the file must not be opened; the message says why.
    """
    if report.verdict == "dangerous" or (report.verdict == "inconclusive" and not allow_unscanned):
        raise RefusedError(report.sentence, report, key=f"scan {report.verdict}")


def _run_scanner(scanner: str, evidence: Evidence, kind: Format, limits: Limits) -> Finding:
    """One scanner's finding; a cell that fails is a finding too."""
    try:
        return ask_once(evidence, "scan", Finding, limits=limits, timeout_s=limits.scan_s, name=scanner, kind=kind.name)
    except SuspectError as error:
        return Finding(scanner, "inconclusive", f"{scanner} failed: {error}")


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
