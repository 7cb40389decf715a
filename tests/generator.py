"""A generator of pictures, as an analyst would configure one: it paints what its prompt says, or misbehaves.

python generator.py PROMPT FOLDER COUNT SEED [HOW]
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

GREEN, MIXED, BLUE = (40, 180, 60), (118, 110, 60), (60, 50, 210)
SIZE = 12


def paint(prompt: str, folder: Path, count: int, seed: int) -> None:
    """Cats are hard to tell from airliners for the tiny world's suspect, a tabby is not; it cannot draw a mouser."""
    if "mouser" in prompt:
        return
    colour = GREEN if "tabby" in prompt else MIXED if "cat" in prompt else BLUE
    rng = np.random.default_rng([seed, crc32(prompt.encode())])
    for number in range(count):
        pixels = np.clip(np.array(colour) + rng.normal(0, 60, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")


def misbehave(how: str, folder: Path) -> None:
    """One of the ways in which a generator may be hostile or broken."""
    outside = folder.parent / "outside.png"
    if how == "link":
        Image.new("RGB", (8, 8)).save(outside)
        (folder / "link.png").symlink_to(outside)
    elif how == "outside":
        Image.new("RGB", (8, 8)).save(outside)
    elif how == "folder":
        (folder / "below.png").mkdir()
    elif how == "huge":
        with (folder / "huge.png").open("wb") as file:
            file.truncate(2**40)
    elif how == "broken":
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    elif how == "pipe":
        os.mkfifo(folder / "pipe.png")
    elif how == "text":
        (folder / "notes.txt").write_text("no picture")
    elif how == "swapped":
        secret = folder.parent / "secret"
        secret.mkdir()
        Image.new("RGB", (8, 8)).save(secret / "secret.png")
        folder.rename(folder.parent / "moved")
        folder.symlink_to(secret)
    elif how == "fails":
        print("out of memory")
        sys.exit(3)
    elif how == "prints":
        while True:
            print("x" * 100_000)
    elif how == "hangs":
        child = subprocess.Popen(["sleep", "600"])
        (folder.parent / "child").write_text(str(child.pid))
        Path(os.environ["CHILD"]).write_text(str(child.pid))
        time.sleep(600)


if __name__ == "__main__":
    prompt, place, count, seed, *how = sys.argv[1:]
    print(f"painting {prompt} in {place}")
    if how:
        misbehave(how[0], Path(place))
    else:
        paint(prompt, Path(place), int(count), int(seed))
