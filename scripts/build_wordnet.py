"""Build fdcore/corpus/data/wordnet.csv.xz: the part of WordNet 3.0 that image corpora use.

    sudo apt-get install wordnet-base
    python scripts/build_wordnet.py

Sources: WordNet 3.0's noun file (Debian's package `wordnet-base`) and the synset lists inside the `timm` package. The
table has every synset of those lists and everything above one, by the hypernym (@) and instance hypernym (@i) pointers,
with every parent. A listed synset that WordNet lacks takes its lemmas from timm's own table and has the parent `?`,
which is not a node, so the synset is an orphan. WordNet's licence notice is written beside the table. The same sources
give the same bytes.
"""

import argparse
import csv
import io
import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fdcore.corpus.wordnet import LEMMA_SEPARATOR, LICENSE_FILE, TABLE_FILE, timm_info

NOUN_FILE = Path("/usr/share/wordnet/data.noun")
DATA = Path(__file__).resolve().parents[1] / "fdcore" / "corpus" / "data"
POINTERS_UP = ("@", "@i")
UNKNOWN_PARENT = "?"
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


class Synset(NamedTuple):
    """One noun of WordNet: the wnids above it and its words, both in WordNet's order."""

    parents: tuple[str, ...]
    lemmas: tuple[str, ...]


def read_noun_file(path: Path) -> tuple[str, dict[str, Synset]]:
    """The licence notice at the top of a WordNet noun file and its synsets by wnid (format: wndb(5WN))."""
    notice, synsets = [], {}
    for line in path.read_text("ascii").splitlines():
        if line.startswith("  "):
            notice.append(line.strip().partition(" ")[2].rstrip())
        else:
            wnid, synset = read_synset(line)
            synsets[wnid] = synset
    return "\n".join(notice).strip() + "\n", synsets


def read_synset(line: str) -> tuple[str, Synset]:
    """One data line: offset, file, type, number of words (hexadecimal), words, number of pointers, pointers, gloss."""
    cells = line.partition(" | ")[0].split()
    n_words = int(cells[3], 16)
    lemmas = tuple(word.replace("_", " ") for word in cells[4 : 4 + 2 * n_words : 2])
    first = 4 + 2 * n_words
    pointers = zip(*(cells[first + 1 + part :: 4] for part in range(3)), strict=False)
    parents = tuple(f"n{offset}" for symbol, offset, _ in pointers if symbol in POINTERS_UP)
    if len(cells) != first + 1 + 4 * int(cells[first]):
        raise SystemExit(f"Not a line of WordNet's noun file: {line[:60]!r}")
    return f"n{cells[0]}", Synset(parents, lemmas)


def listed_synsets(info: Path) -> set[str]:
    """Every wnid in one of timm's synset lists."""
    lists = sorted(info.glob("*_synsets.txt"))
    return {wnid for path in lists for wnid in path.read_text("utf-8").split()}


def with_ancestors(wnids: Iterable[str], synsets: dict[str, Synset]) -> set[str]:
    """The wnids that WordNet knows and everything above them."""
    stack = [wnid for wnid in wnids if wnid in synsets]
    kept = set(stack)
    while stack:
        new = [parent for parent in synsets[stack.pop()].parents if parent not in kept]
        kept.update(new)
        stack.extend(new)
    return kept


def orphan_rows(wnids: Iterable[str], info: Path) -> dict[str, Synset]:
    """Synsets that are listed but not in WordNet, named by timm's table of lemmas."""
    lines = (info / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines()
    lemmas = {wnid: tuple(words.split(", ")) for wnid, _, words in (line.partition("\t") for line in lines)}
    return {wnid: Synset((UNKNOWN_PARENT,), lemmas.get(wnid, (wnid,))) for wnid in wnids}


def write_table(rows: dict[str, Synset], path: Path) -> None:
    """A CSV (wnid, parents, lemmas), sorted and compressed with fixed settings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("wnid", "parents", "lemmas"))
    for wnid, synset in sorted(rows.items()):
        writer.writerow((wnid, " ".join(synset.parents), LEMMA_SEPARATOR.join(synset.lemmas)))
    content = text.getvalue().encode()
    path.write_bytes(lzma.compress(content, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=FILTERS))


def main() -> None:
    """Build the table and the licence notice, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noun-file", type=Path, default=NOUN_FILE, help=f"WordNet's data.noun ({NOUN_FILE})")
    parser.add_argument("--out", type=Path, default=DATA, help="the folder to write to")
    arguments = parser.parse_args()
    if not arguments.noun_file.is_file():
        raise SystemExit(f"{arguments.noun_file} is missing: apt-get install wordnet-base, or pass --noun-file.")
    notice, synsets = read_noun_file(arguments.noun_file)
    listed = listed_synsets(timm_info())
    kept = with_ancestors(listed, synsets)
    orphans = orphan_rows(listed - synsets.keys(), timm_info())
    rows = {wnid: synsets[wnid] for wnid in kept} | orphans
    write_table(rows, arguments.out / TABLE_FILE)
    (arguments.out / LICENSE_FILE).write_text(notice, "ascii")
    n_parents = [len(synset.parents) for synset in rows.values()]
    print(f"{len(listed)} listed synsets, {len(rows)} nodes, {sum(n_parents)} links,", end=" ")
    print(f"{sum(n > 1 for n in n_parents)} nodes with several parents, {len(orphans)} orphans: {sorted(orphans)}")


if __name__ == "__main__":
    main()
