"""Timestamps: what an authority confirmed about the log is kept, checked, and not to be had by forging."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import tsa
from raising import raises

from fdcore.case.case import Case
from fdcore.case.custody import require_unchanged
from fdcore.case.timestamps import check_roots, keep_reply, request_for_head
from fdcore.case.verify import Stamp, check, in_words, parts, read_stamp
from fdcore.cli.main import main
from fdcore.errors import CaseError, SettingsError

CLOCK = tsa.Authority.new()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A case with two entries."""
    made = Case.create(tmp_path / "case")
    made.log("looked at", {})
    return made


def head(case: Case) -> bytes:
    return bytes.fromhex(check(case.folder).head)


def stamp(case: Case, authority: tsa.Authority = CLOCK) -> Stamp:
    return keep_reply(case, authority.reply(head(case)))


def test_a_request_is_about_the_last_entry(case: Case):
    """Its imprint is that entry's hash itself, so that everybody can compare it."""
    imprint = parts(parts(request_for_head(case))[0].content)[1]
    algorithm, digest = parts(imprint.content)
    assert (parts(algorithm.content)[0].content, digest.content) == (tsa.SHA256_OID, head(case))


def test_a_reply_is_kept_and_says_when_which_entry_existed(case: Case):
    """It is bound by an entry of its own; the case stays intact, also with a second one."""
    before = head(case).hex()
    kept = stamp(case)
    assert (kept.entry, kept.time, kept.signer, kept.digest) == (1, tsa.NOW.isoformat(), "CN=Clock", before)
    second = keep_reply(case, CLOCK.reply(head(case), time=tsa.NOW + timedelta(hours=1)))
    checked = check(case.folder)
    assert checked.intact
    assert checked.stamps == (kept, second)
    assert {one.state for one in checked.files} == {"intact"}
    assert f"openssl ts -verify -digest {before}" in in_words(checked)


def test_the_same_reply_again_changes_nothing(case: Case):
    """No entry is added."""
    reply = CLOCK.reply(head(case))
    keep_reply(case, reply)
    after = head(case)
    keep_reply(case, reply)
    assert head(case) == after


def test_a_reply_about_something_else_is_not_kept(case: Case):
    """Nor one that refuses, lacks its certificate, or is no reply at all."""
    with raises(CaseError, key="timestamp false"):
        keep_reply(case, CLOCK.reply(b"x" * 32))
    with raises(CaseError, key="timestamp false"):
        keep_reply(case, CLOCK.reply(head(case), time=tsa.NOW + timedelta(days=9)))  # its certificate has ended
    for reply in (CLOCK.reply(head(case), status=2), CLOCK.reply(head(case), certificates=False), b"", b"\x30\x80",
                  CLOCK.reply(head(case))[:-1], b"\x30\x03\x02\x01\x00"):  # fmt: skip
        with raises(CaseError, key="not a timestamp"):
            keep_reply(case, reply)
    assert not check(case.folder).stamps


def test_an_authority_may_sign_with_rsa(case: Case):
    """In the older way; RSA-PSS is said to be unknown, and not called false."""
    authority = tsa.Authority.new(method=tsa.RSA)
    kept = stamp(case, authority)
    assert (kept.entry, kept.problem) == (1, "")
    assert [one.problem for one in check_roots(case, [kept], authority.roots_pem)] == [""]
    with raises(CaseError, key="not a timestamp") as refused:
        stamp(case, tsa.Authority.new(method=tsa.PSS))
    assert "signed in a way that is not known here" in str(refused.value)


def test_a_certificate_that_may_not_stamp_proves_nothing(case: Case):
    """Although its signature is true."""
    with raises(CaseError, key="timestamp false"):
        stamp(case, tsa.Authority.new(may_stamp=False))


def test_a_reply_whose_time_or_digest_was_changed_is_false(case: Case):
    """Every bit of what is stamped and when is covered by the signature."""
    reply = CLOCK.reply(head(case))
    for part in (head(case), b"20260101120000Z"):
        start = reply.index(part)
        for place in range(start, start + len(part)):
            forged = reply[:place] + bytes([reply[place] ^ 1]) + reply[place + 1 :]
            assert _is_false(forged)


def _is_false(reply: bytes) -> bool:
    try:
        return read_stamp(reply).problem == "has a false signature"
    except ValueError:  # no longer a time
        return True


def test_a_log_that_was_rewritten_no_longer_has_the_stamped_entry(case: Case):
    """Without any key: whoever computes the chain again cannot have it stamped at that time."""
    kept = stamp(case)
    other = Case.create(case.folder.parent / "other")
    shutil.copytree(case.folder / "timestamps", other.folder / "timestamps")
    checked = check(other.folder)
    assert not checked.intact
    assert "is about no entry of this log" in checked.short
    with raises(CaseError, key="timestamp false"):
        require_unchanged(other)
    (case.folder / kept.name).write_bytes(tsa.Authority.new().reply(bytes.fromhex(kept.digest)))
    assert [one.state for one in check(case.folder).wrong] == ["changed"]


def test_the_root_is_verified_where_it_is_given(case: Case):
    """Another authority's root does not do; replies in the order of OpenSSL are read."""
    kept = stamp(case)
    [own] = check_roots(case, [kept], CLOCK.roots_pem)
    assert own.problem == ""
    [other] = check_roots(case, [kept], tsa.Authority.new().roots_pem)
    assert "does not lead to a given root" in other.problem
    with raises(CaseError, key="roots unreadable"):
        check_roots(case, [kept], b"no certificate")


def test_the_command_writes_a_request_and_keeps_the_reply(case: Case, tmp_path: Path, monkeypatch, capsys):
    """Which the check verifies, with or without the root."""
    monkeypatch.chdir(tmp_path)
    assert main(["timestamp", str(case.folder)]) == 0
    assert (tmp_path / "head.tsq").read_bytes()
    (tmp_path / "head.tsr").write_bytes(CLOCK.reply(head(case)))
    assert main(["timestamp", str(case.folder), "--token", "head.tsr"]) == 0
    (tmp_path / "roots.pem").write_bytes(CLOCK.roots_pem)
    assert main(["check", str(case.folder), "--tsa-ca", "roots.pem"]) == 0
    assert "says CN=Clock" in capsys.readouterr().out
    (tmp_path / "roots.pem").write_bytes(tsa.Authority.new().roots_pem)
    assert main(["check", str(case.folder), "--tsa-ca", "roots.pem"]) == 6


@pytest.fixture
def server() -> Iterator[str]:
    """A time-stamping server on this machine; it answers at / and refuses elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            imprint = parts(parts(request)[0].content)[1]
            reply = CLOCK.reply(parts(imprint.content)[1].content)
            is_request = self.path == "/" and self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(200 if is_request else 404)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_server_is_asked(case: Case, server: str):
    """Its reply is kept; one that refuses, or is not there, is reported."""
    assert main(["timestamp", str(case.folder), "--server", f"{server}/"]) == 0
    assert [one.entry for one in check(case.folder).stamps] == [1]
    assert main(["timestamp", str(case.folder), "--server", f"{server}/elsewhere"]) == SettingsError.exit_code
    assert main(["timestamp", str(case.folder), "--server", "http://127.0.0.1:1/"]) == SettingsError.exit_code


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_openssl_agrees(case: Case, tmp_path: Path):
    """It verifies what is kept, with the command that the check prints."""
    kept = stamp(case)
    (tmp_path / "roots.pem").write_bytes(CLOCK.roots_pem)
    command = ["openssl", "ts", "-verify", "-digest", kept.digest, "-in", str(case.folder / kept.name), "-CAfile",
               str(tmp_path / "roots.pem"), "-attime", str(int(tsa.NOW.timestamp()))]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr
