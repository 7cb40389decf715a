"""The commands about evidence: check, replay, reproduce, export, timestamp, key, assign and validate."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.cli import arguments
from fdcore.cli.clone import AddCommand
from fdcore.cli.printing import plain
from fdcore.errors import CaseError, SettingsError
from fdcore.records import to_plain

if TYPE_CHECKING:
    from fdcore.case.case import Case
    from fdcore.case.verify import Stamp


def add_custody(commands: Any, add: AddCommand) -> None:
    """Add the commands by way of `add`, which gives them the options that all commands share."""
    command = add(commands, "check", _check, "check that a case's log is whole and that no file was changed")
    command.add_argument("case", type=Path, help="the folder of a case, or of an unpacked disclosure bundle")
    command.add_argument("--key", type=Path, action="append", default=[], metavar="PUBLIC_KEY.pem",
                         help="public key; all entries after its first one must be signed by a given key")  # fmt: skip
    command.add_argument("--tsa-ca", type=Path, metavar="ROOTS.pem",
                         help="roots to which the certificates of timestamps must lead")  # fmt: skip
    command = add(commands, "replay", _replay, "make a case's results again from its answers, and compare them")
    command.add_argument("case", type=Path, help="the folder of a case, or of an unpacked disclosure bundle")
    command.add_argument("--ask", type=int, default=0, metavar="N", help="also send N recorded queries again")
    command.add_argument("--seed", type=int, default=0, help="of drawing these queries (default 0)")
    _add_export(commands, add)
    command = add(commands, "timestamp", _timestamp, "have an authority confirm when the log's last entry existed")
    command.add_argument("case", type=Path, help="the case's folder")
    group = command.add_mutually_exclusive_group()
    group.add_argument("--out", type=Path, default=Path("head.tsq"), metavar="FILE",
                       help="where the request is written, to be sent by another way (default head.tsq)")  # fmt: skip
    group.add_argument("--server", metavar="URL", help="send the request there, and keep the reply in the case")
    group.add_argument("--token", type=Path, metavar="FILE", help="keep a reply (.tsr) that came by another way")
    command = add(commands, "reproduce", _reproduce, "investigate a case's suspect again with another seed or corpus, "
                  "and compare")  # fmt: skip
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--seed", type=int, required=True, help="of the views and the choice of images")
    command.add_argument("--corpus", action="append", default=[], metavar="DIR[@NODE]",
                         help="other image folders (default: those of the case)")  # fmt: skip
    command.add_argument("--out", type=Path, metavar="CASE", help="of the reproduction (default: beside the case)")
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


def _add_export(commands: Any, add: AddCommand) -> None:
    command = add(commands, "export", _export, "write a case as one file, to be kept or handed to others")
    command.add_argument("case", type=Path, help="the case's folder")
    command.add_argument("--out", type=Path, metavar="FILE", help="(default: named after the case, in this folder)")
    group = command.add_mutually_exclusive_group()
    group.add_argument("--disclosure", action="store_true",
                       help="the bundle for the other side's expert (default: the whole case)")  # fmt: skip
    group.add_argument("--case-uco", action="store_true", help="the suspect, the corpus and every action as JSON-LD")
    command.add_argument("--suspect", action="store_true", help="with --disclosure: the suspect's file too")
    command.add_argument("--pictures", action="store_true",
                         help="with --disclosure: the queried pictures too; mind their licences")  # fmt: skip


def _check(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.custody import check_case
    from fdcore.case.verify import CASE, check_bundle, in_words, is_bundle

    keys, bundled = [_public_key(path) for path in options.key], is_bundle(options.case)
    checked = check_bundle(options.case, keys) if bundled else check_case(Case.open(options.case), tuple(keys))
    if not options.json:
        print(in_words(checked))
    problem = "" if checked.intact else f"{options.case} is not intact. {checked.short}"
    if options.tsa_ca and not problem:
        _check_roots(options, Case(options.case / CASE if bundled else options.case), checked.stamps)
    return _finding(options, to_plain(checked), problem, "case changed")


def _check_roots(options: argparse.Namespace, case: "Case", stamps: "tuple[Stamp, ...]") -> None:
    from fdcore.case.timestamps import check_roots

    found = check_roots(case, stamps, _read(options.tsa_ca, "roots"))
    if wrong := next((one for one in found if one.problem), None):
        raise CaseError(f"The timestamp {wrong.stamp.name} {wrong.problem}.", key="timestamp false")
    if not options.json:
        print("The certificates of all timestamps lead to the roots." if found else "No timestamps.")


def _export(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case, to_json
    from fdcore.case.casebook import Casebook
    from fdcore.disclosure.bundle import write_bundle
    from fdcore.disclosure.case_uco import case_as_jsonld
    from fdcore.storage import whole_file

    folder, told = options.case.resolve(), {"case": str(options.case)}
    if (options.suspect or options.pictures) and not options.disclosure:
        raise SettingsError("--suspect and --pictures belong to --disclosure; the whole case always has the suspect.",
                            key="option without disclosure")  # fmt: skip
    ending = "-disclosure.zip" if options.disclosure else ".jsonld" if options.case_uco else ".zip"
    out = options.out or Path(f"{folder.name}{ending}")
    with whole_file(out) as file:
        if options.disclosure:
            bundle = write_bundle(folder, file, cache=arguments.cache(options), suspect=options.suspect,
                                  pictures=options.pictures)  # fmt: skip
            told |= to_plain(bundle)
            if not options.json:
                print(bundle.in_words)
        elif options.case_uco:
            file.write(to_json(case_as_jsonld(Case.open(folder))))
        else:
            Case.open(folder)
            Casebook(folder.parent).export(folder.name, file)
    if not options.json:
        print(f"Written: {out}")
    return told | {"written": str(out)}


def _timestamp(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.case.case import Case
    from fdcore.case.timestamps import ask_server, keep_reply, request_for_head
    from fdcore.case.verify import stamp_in_words
    from fdcore.storage import write_atomically

    case = Case.open(options.case)
    if not (options.server or options.token):
        write_atomically(options.out, request_for_head(case))
        if not options.json:
            print(f"Written: {options.out}. Send it to a time-stamping authority, and give the reply to --token.")
        return {"case": str(options.case), "written": str(options.out)}
    reply = ask_server(options.server, request_for_head(case)) if options.server else _read(options.token, "reply")
    stamp = keep_reply(case, reply)
    if not options.json:
        print(stamp_in_words(stamp))
    return {"case": str(options.case), **to_plain(stamp)}


def _public_key(path: Path) -> bytes:
    from fdcore.case.verify import public_key

    try:
        return public_key(path)
    except ValueError as error:
        raise CaseError(f"{error}.", key="not a public key") from error
    except OSError as error:
        raise CaseError(f"The key {path} cannot be read: {error.strerror}.", key="key unreadable") from error


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaseError(f"The {what} {path} cannot be read: {error.strerror}.", key=f"{what} unreadable") from error


def _replay(options: argparse.Namespace) -> dict[str, Any]:
    from contextlib import nullcontext

    from fdcore.case.verify import is_bundle
    from fdcore.cli.printing import ProgressBar
    from fdcore.disclosure.bundle import as_case
    from fdcore.work.replay import replay

    with as_case(options.case) if is_bundle(options.case) else nullcontext(options.case) as folder:
        found = replay(
            folder, cache=arguments.cache(options), n_queries=options.ask, seed=options.seed, progress=ProgressBar()
        )
    if not options.json:
        print(f"The same, byte for byte: {', '.join(found.same) or 'nothing'}.")
        if found.differ:
            print(f"Different: {', '.join(found.differ)}.")
        if found.n_asked:
            print(f"Sent again: {found.n_asked:,} queries, {found.n_same:,} answered as recorded.")
    problem = "" if found.agrees else f"{options.case} does not give the same results again."
    return _finding(options, to_plain(found), problem, "replay differs")


def _reproduce(options: argparse.Namespace) -> dict[str, Any]:
    from fdcore.cli.printing import ProgressBar, table
    from fdcore.work.reproduce import reproduce

    folder = options.case.resolve()
    out = options.out or folder.parent / f"{folder.name}-seed-{options.seed}"
    corpora = tuple(str(Path(one).absolute()) for one in options.corpus)
    rows = reproduce(
        folder, out, seed=options.seed, corpora=corpora, cache=arguments.cache(options), progress=ProgressBar()
    )
    n_agree = sum(row.agrees for row in rows)
    if not options.json:
        shown = [("class", "in the case", "L", "reproduced", "L", "common leaves")]
        shown += [(str(row.target_class), plain(row.here) or "not found", _figure(row.l_here), plain(row.there) or
                   "not found", _figure(row.l_there), _figure(row.common)) for row in rows]  # fmt: skip
        print("\n".join(table(shown, flexible=(1, 3), right=(0, 2, 4, 5))))
        print(f"\n{n_agree:,} of {len(rows):,} classes agree: most leaves of both answers are the same, or nothing is "
              f"found. The reproduction is the case {out}.")  # fmt: skip
    return {"case": str(options.case), "reproduction": str(out), "n_agree": n_agree, "classes": to_plain(rows)}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _finding(options: argparse.Namespace, found: dict[str, Any], problem: str, key: str) -> dict[str, Any]:
    """What --json prints, with the problem beside all that was found; without --json, the problem is an error."""
    if problem and not options.json:
        raise CaseError(problem, key=key)
    return {"case": str(options.case), **found} | (
        {"error": problem, "exit_code": CaseError.exit_code} if problem else {}
    )


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

    if options.show:
        kept = validation.newest()
        if kept is None:
            raise CaseError("No validation has been run yet. `fdcore validate` runs one.", key="no validation")
    else:
        from fdcore.cli.printing import ProgressBar
        from fdcore.demo.validate import validate

        kept = validation.keep(validate(ProgressBar(), by=options.by))
    if not options.json:
        print("\n".join(map(plain, validation.in_words(kept).splitlines())))
    if not options.show:
        kept.require_passed()
    return {"record": str(kept.path), "sha256": kept.sha256, "signer": kept.signer, **to_plain(kept.record)}


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
