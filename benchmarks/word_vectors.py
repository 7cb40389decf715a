"""What a file of word vectors costs: converted once, then opened by a process, compared with gensim's reader.

    python benchmarks/word_vectors.py

Goals: a process that opens a converted file needs well under 50 MB and well under a second, for any file size;
conversion works a block at a time. The files are synthetic: 400,000 words of 300 numbers as word2vec binary,
3,000,000 of 16 as binary (as many words as Google News has), 20,000 of 300 as GloVe text. Results: word_vectors.csv.

Each number is measured in a separate process. Memory is the increase during the call, from /proc/self/status: `rss`
includes the pages of mapped files, `private` does not, and `peak` is the highest point (VmHWM). A look-up is `find` and
the vector, for words in random order, half of them unknown.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from record import save

CASES = (("binary", 400_000, 300), ("binary", 3_000_000, 16), ("text", 20_000, 300))
N_LOOKUPS = 20_000


def make_file(path: Path, kind: str, n_words: int, n_dims: int) -> None:
    """Write random vectors."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        if kind == "binary":
            file.write(f"{n_words} {n_dims}\n".encode())
        for start in range(0, n_words, 10_000):
            block = rng.normal(size=(min(10_000, n_words - start), n_dims)).astype(np.float32)
            for i, row in enumerate(block, start=start):
                numbers = row.tobytes() if kind == "binary" else b" ".join(b"%.5f" % x for x in row)
                file.write(f"word{i:x}".encode() + b" " + numbers + b"\n")


def memory_mb() -> dict[str, float]:
    """Memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = [line.split() for line in lines if line.endswith("kB")]
    held = {name.rstrip(":"): int(size) / 1024 for name, size, _ in sizes}
    return {"rss": held["VmRSS"], "private": held["RssAnon"], "peak": held["VmHWM"]}


def measure(action: str, path: Path, cache: Path) -> dict[str, float]:
    """Time and memory of one action in this process; `open` also looks words up."""
    from gensim.models import KeyedVectors

    from fdcore.words.vectors import open_vectors

    binary = b"\n" in path.open("rb").read(30)
    before, start = memory_mb(), time.perf_counter()
    if action == "gensim":
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=binary, no_header=not binary)
    else:
        vectors = open_vectors(path, cache)
    result = {"seconds": time.perf_counter() - start}
    after = memory_mb()
    result |= {name: after[name] - before[name] for name in after}
    if action == "open":
        tokens = [f"word{i:x}" for i in np.random.default_rng(1).integers(0, 2 * len(vectors), N_LOOKUPS)]
        start = time.perf_counter()
        found = [vectors.vectors([word]) for word in map(vectors.find, tokens) if word is not None]
        result["per_second"] = N_LOOKUPS / (time.perf_counter() - start)
        result["rss_after"] = memory_mb()["rss"] - before["rss"]
        assert 0.4 < len(found) / N_LOOKUPS < 0.6
    return result


def in_a_process(action: str, path: Path, cache: Path) -> dict[str, float]:
    """`measure` in a new process."""
    command = [sys.executable, __file__, action, str(path), str(cache)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure every case."""
    rows = []
    for kind, n_words, n_dims in CASES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            path, cache = Path(folder) / "vectors", Path(folder) / "cache"
            make_file(path, kind, n_words, n_dims)
            gensim, convert, opened = (in_a_process(action, path, cache) for action in ("gensim", "convert", "open"))
            rows.append(
                {
                    "file": kind,
                    "n_words": n_words,
                    "n_dims": n_dims,
                    "file_mb": round(path.stat().st_size / 2**20),
                    "gensim_s": round(gensim["seconds"], 1),
                    "gensim_mb": round(gensim["rss"]),
                    "convert_s": round(convert["seconds"], 1),
                    "convert_peak_mb": round(convert["peak"]),
                    "open_ms": round(1000 * opened["seconds"], 1),
                    "open_mb": round(opened["rss"], 1),
                    "open_private_mb": round(opened["private"], 1),
                    "lookups_per_s": round(opened["per_second"]),
                    "after_lookups_mb": round(opened["rss_after"]),
                }
            )
    save(__file__, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
