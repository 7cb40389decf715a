"""The commands `fdcore check`, `fdcore replay`, `fdcore key`, `fdcore assign` and `fdcore validate`."""

import argparse
import os
from pathlib import Path
from typing import Any

from fdcore.cli.clone import AddCommand
from fdcore.cli.printing import plain
from fdcore.errors import CaseError


def add_custody(commands: Any, add: AddCommand) -> None:
    """Add the commands by way of `add`, which gives them the options that all commands share."""
    command = add(commands, "check", _check, "check that a case's log is whole and that no file was changed")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--key", type=Path, action="append", default=[], metavar="PUBLIC_KEY.pem",
                         help="public key; all entries after its first one must be signed by a given key")  # fmt: skip
    command = add(commands, "replay", _replay, "make a case's results again from its answers, and compare them")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--ask", type=int, default=0, metavar="N", help="also send N recorded queries again")
    command.add_argument("--seed", type=int, default=0, help="of drawing these queries (default 0)")
    command = add(commands, "key", _key, "make the key that signs audit logs, or show its public half")
    command.add_argument("what", choices=("new", "show"))
    command.add_argument("--out", type=Path, help="of a new key (default: FDCORE_KEY, or the user's configuration)")
    command.add_argument("--algorithm", choices=("ed25519", "p256"), default="ed25519",
                         help="p256 is ECDSA, for tools that know nothing newer (default ed25519)")  # fmt: skip
    command = add(commands, "assign", _assign, "note who investigates a case, and its numbers, for the report")
    command.add_argument("case", type=Path, help="the case's folder")
    for option, text in (("title", "of the case"), ("examiner", "who investigates"), ("agency", "for whom"),
                         ("number", "the case's number there"), ("exhibit", "the exhibit's number")):  # fmt: skip
        command.add_argument(f"--{option}", metavar="TEXT", help=text)
    command = add(
        commands, "validate", _validate, "run the reference suspects on this machine, and keep a signed record"
    )
    command.add_argument("--show", action="store_true", help="show the newest record instead")
    command.add_argument("--by", default="", metavar="NAME", help="who runs it, for the record")


def _check(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.custody import check_case
    from fdcore.case.verify import in_words
    from fdcore.records import to_plain

    keys = [_public(path) for path in options.key]
    checked = check_case(Case.open(options.case), tuple(keys))
    if not options.json:
        print(in_words(checked))
    if not checked.intact:
        raise CaseError(f"{options.case} is not intact. {checked.short}", key="case changed")
    return {"case": str(options.case), **to_plain(checked)}


def _replay(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.places import Places
    from fdcore.cli.printing import ProgressBar
    from fdcore.records import to_plain
    from fdcore.work.replay import replay

    cache = Path(options.cache) if options.cache else Places.from_environment().cache
    found = replay(options.case, cache=cache, n_queries=options.ask, seed=options.seed, progress=ProgressBar())
    if not options.json:
        print(f"The same, byte for byte: {', '.join(found.same) or 'nothing'}.")
        if found.differ:
            print(f"Different: {', '.join(found.differ)}.")
        if found.n_asked:
            print(f"Sent again: {found.n_asked:,} queries, {found.n_same:,} answered as recorded.")
    if not found.agrees:
        raise CaseError(f"{options.case} does not give the same results again.", key="replay differs")
    return {"case": str(options.case), **to_plain(found)}


def _assign(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.casebook import ASSIGNED, Casebook

    folder = options.case.resolve()
    book, given = Casebook(folder.parent), {name: getattr(options, name) for name in ASSIGNED}
    if options.title is not None:
        book.rename(folder.name, options.title)
    book.assign(folder.name, **{name: text for name, text in given.items() if text is not None})
    facts = book.open(folder.name).facts()
    now = {name: getattr(facts, name) for name in ("title", *ASSIGNED)}
    if not options.json:
        print("\n".join(f"{name.capitalize():9} {plain(text) or 'not given'}" for name, text in now.items()))
    return {"case": str(options.case), **now}


def _validate(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case import validation
    from fdcore.records import to_plain

    if options.show:
        kept = validation.newest()
        if kept is None:
            raise CaseError("There is no validation yet. `fdcore validate` runs one.", key="no validation")
    else:
        from fdcore.cli.printing import ProgressBar
        from fdcore.demo.validate import validate

        kept = validation.keep(validate(ProgressBar(), by=options.by))
    if not options.json:
        print("\n".join(map(plain, validation.in_words(kept).splitlines())))
    if not options.show:
        kept.require_passed()
    return {"record": str(kept.path), "sha256": kept.sha256, "signer": kept.signer, **to_plain(kept.record)}


def _public(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaseError(f"The key {path} cannot be read: {error.strerror}.", key="key unreadable") from error


def _key(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.keys import PASSPHRASE_VARIABLE, key_path, load_key, new_key

    path = options.out if options.out and options.what == "new" else key_path()
    if options.what == "new":
        key = new_key(path, algorithm=options.algorithm, passphrase=os.environ.get(PASSPHRASE_VARIABLE, ""))
    elif (found := load_key()) is None:
        raise CaseError("There is no key yet. `fdcore key new` makes one.", key="no key")
    else:
        key = found
    if not options.json:
        print(
            f"{key.public_pem}\nFingerprint {key.fingerprint}; the private key is {path}. Give others the public key."
        )
    return {"key": str(path), "public_key": key.public_pem, "fingerprint": key.fingerprint}
