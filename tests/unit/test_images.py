"""Decoding: from files of every kind to one array, once, even if files are damaged or runs are killed."""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import deep_png, encoded, picture, save
from PIL import Image
from raising import raises

from fdcore.corpus import decode, images
from fdcore.corpus.decode import decode_file
from fdcore.corpus.images import ImageStore, Size, decode_images
from fdcore.corpus.layouts import ImageFile, Problem
from fdcore.errors import SettingsError, StorageError

GREY = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))


def files_in(root: Path) -> list[ImageFile]:
    """The files below a folder, in ImageNet's layout: the first folder is the node."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    names = [path.relative_to(root).as_posix() for path in found]
    return [ImageFile(name.split("/")[0], path, name, "set") for name, path in zip(names, found, strict=True)]


def open_store(root: Path, cache: Path, **changes: Any) -> tuple[ImageStore, tuple[Problem, ...]]:
    settings = {"size": Size(8, 8, 3), "per_leaf": None, "seed": 0} | changes
    return decode_images(files_in(root), cache=cache, **settings)


def decode_bytes(path: Path, content: bytes, channels: int = 3, size: int = 32) -> decode.Decoded:
    path.write_bytes(content)
    with decode.quiet_pillow():
        return decode_file(path, height=size, width=size, channels=channels)


def reasons(problems: tuple[Problem, ...]) -> list[tuple[str, str, bool]]:
    return sorted((problem.path, problem.reason, problem.used) for problem in problems)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Three leaves with 5, 4 and 2 pictures."""
    for node, count in (("a", 5), ("b", 4), ("c", 2)):
        for i in range(count):
            save(tmp_path / "world" / node / f"{i}.png", kind="PNG")
    return tmp_path / "world"


# one picture


def test_size_and_grey(tmp_path: Path) -> None:
    """A picture comes as (height, width, channels); a grey one is the same in all three channels."""
    path = save(tmp_path / "grey.png", Image.fromarray(GREY), "PNG")
    found = decode_file(path, height=16, width=24, channels=3)
    assert found.pixels.shape == (16, 24, 3)
    assert found.pixels.dtype == np.uint8
    assert (found.pixels == found.pixels[:, :, :1]).all()
    assert found.sha256 == hashlib.sha256(path.read_bytes()).digest()
    assert found.notes == ()


def test_scale_to_cover_then_centre_crop(tmp_path: Path) -> None:
    """The shorter side is scaled to the target and the middle of the longer one is kept."""
    pixels = np.zeros((20, 60, 3), dtype=np.uint8)
    pixels[:, 20:40] = 255  # the middle third is all that remains
    wide, tall = (
        decode_bytes(tmp_path / "x.png", encoded(Image.fromarray(each), "PNG"), size=10).pixels
        for each in (pixels, pixels.transpose(1, 0, 2))
    )
    assert (wide[:, 1:9] == 255).all()
    assert (tall[1:9] == 255).all()


def test_resizing_is_antialiased_bilinear(tmp_path: Path) -> None:
    """Shrinking a whole picture gives what Pillow's own bilinear filter gives, and no aliasing on a checkerboard."""
    image = picture(40, 40)
    found = decode_bytes(tmp_path / "x.png", encoded(image, "PNG"), size=10).pixels
    np.testing.assert_array_equal(found, np.asarray(image.resize((10, 10), Image.Resampling.BILINEAR)))
    board = Image.fromarray(np.kron([[0, 255], [255, 0]] * 16, np.ones((1, 16))).astype(np.uint8))
    shrunk = decode_bytes(tmp_path / "b.png", encoded(board, "PNG"), size=8).pixels
    assert abs(shrunk.astype(int) - 127).max() < 12


def test_draft_mode_keeps_quality(tmp_path: Path) -> None:
    """A large JPEG, which is decoded at a part of its size, comes out as when decoded whole."""
    image = picture(640, 480)
    content = encoded(image, "JPEG", quality=95)
    found = decode_bytes(tmp_path / "x.jpg", content, size=32).pixels
    with Image.open(tmp_path / "x.jpg") as whole:
        expected = whole.resize((32, 32), Image.Resampling.BILINEAR, box=(80, 0, 560, 480))
    assert abs(found.astype(int) - np.asarray(expected).astype(int)).max() <= 6


def test_one_channel(tmp_path: Path) -> None:
    """For a grey suspect a colour picture becomes its luminance, JPEG or not."""
    image = picture(16, 16)
    expected = np.asarray(image.convert("L"))[:, :, None].astype(int)
    png = decode_bytes(tmp_path / "x.png", encoded(image, "PNG"), channels=1, size=16).pixels
    jpeg = decode_bytes(tmp_path / "x.jpg", encoded(image, "JPEG", quality=98), channels=1, size=16).pixels
    assert png.shape == (16, 16, 1)
    np.testing.assert_array_equal(png, expected)
    assert abs(jpeg.astype(int) - expected).max() < 8


def test_exif_orientation(tmp_path: Path) -> None:
    """A picture is turned as its EXIF data say; EXIF data that are damaged change nothing."""
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:8] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: bright on the right
    turned = decode_bytes(tmp_path / "x.jpg", encoded(Image.fromarray(pixels), "JPEG", exif=exif), size=16).pixels
    assert turned[:, 9:].min() > 200
    assert turned[:, :7].max() < 50
    broken = encoded(Image.fromarray(pixels), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    upright = decode_bytes(tmp_path / "y.jpg", broken, size=16)
    assert upright.pixels[:7].min() > 200
    assert upright.notes == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 3), (33, 32), (1001, 997)])
def test_odd_shapes(tmp_path: Path, size: tuple[int, int]) -> None:
    """Pictures of any shape fill the target."""
    found = decode_bytes(tmp_path / "x.png", encoded(Image.new("RGB", size, (9, 200, 30)), "PNG"))
    assert found.pixels.shape == (32, 32, 3)
    assert (found.pixels == (9, 200, 30)).all()


# what is converted, listed and used


def test_sixteen_bits(tmp_path: Path) -> None:
    """16 bits are scaled, not clipped: grey as PNG, TIFF and PGM, and colour."""
    grey = Image.fromarray(GREY.astype(np.uint16) * 257)
    colour = np.repeat(GREY[:, :, None], 3, axis=2).astype(np.uint16) * 257
    for name, content in (
        ("x.png", encoded(grey, "PNG")),
        ("x.tif", encoded(grey, "TIFF")),
        ("x.pgm", encoded(grey, "PPM")),
        ("c.png", deep_png(colour)),
        ("c.ppm", b"P6 32 32 65535\n" + colour.astype(">u2").tobytes()),
    ):
        found = decode_bytes(tmp_path / name, content)
        assert [note.reason for note in found.notes] == ["converted from 16-bit"], name
        np.testing.assert_array_equal(found.pixels[:, :, 0], GREY)


def test_thirty_two_bits(tmp_path: Path) -> None:
    """32-bit greys, which have no agreed range, are stretched; without finite values they are not usable."""
    found = decode_bytes(tmp_path / "x.tif", encoded(Image.fromarray(GREY.astype(np.float32) * 3.5 - 100), "TIFF"))
    assert [note.reason for note in found.notes] == ["converted from 32-bit"]
    assert found.pixels.min() == 0
    assert found.pixels.max() == 255
    nan = Image.fromarray(np.full((8, 8), np.nan, dtype=np.float32))
    assert decode_bytes(tmp_path / "n.tif", encoded(nan, "TIFF")).notes[0].reason == "damaged"
    flat = Image.fromarray(np.full((8, 8), 7.0, dtype=np.float32))
    assert decode_bytes(tmp_path / "f.tif", encoded(flat, "TIFF")).pixels is not None


def test_palette_and_cmyk(tmp_path: Path) -> None:
    """Palette and CMYK pictures keep their colours."""
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    for content, name, reason in (
        (encoded(red.convert("P"), "PNG"), "p.png", "converted from palette"),
        (encoded(red.convert("P"), "GIF"), "p.gif", "converted from palette"),
        (encoded(red.convert("CMYK"), "JPEG", quality=95), "c.jpg", "converted from CMYK"),
        (encoded(red.convert("1", dither=Image.Dither.NONE), "PNG"), "b.png", "converted from black and white"),
    ):
        found = decode_bytes(tmp_path / name, content)
        assert [note.reason for note in found.notes] == [reason], name
        if name != "b.png":
            assert abs(found.pixels.astype(int) - (255, 0, 0)).max() < 12, name


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """Transparent pixels become white, whatever their colour; half-transparent ones become half white."""
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    palette = Image.new("RGB", (8, 8), (200, 0, 0)).convert("P", palette=Image.Palette.ADAPTIVE)
    hidden = {"transparency": palette.getpixel((0, 0))}
    for image, level, options in ((clear, 255, {}), (half, 127, {}), (palette, 255, hidden)):
        found = decode_bytes(tmp_path / "x.png", encoded(image, "PNG", **options))
        assert (found.pixels == level).all()
        assert len(found.notes) == 1
        assert found.notes[0].reason.startswith("converted from")


def test_animation(tmp_path: Path) -> None:
    """Of an animation the first frame is used, and it is listed."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    for kind, name in (("GIF", "x.gif"), ("PNG", "x.png"), ("WEBP", "x.webp"), ("TIFF", "x.tiff")):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        found = decode_bytes(tmp_path / name, content)
        assert "animated or several pages" in [note.reason for note in found.notes], kind
        assert abs(found.pixels.astype(int) - (250, 0, 0)).max() < 12, kind


def test_wrong_extension(tmp_path: Path) -> None:
    """The content decides what a file is; an extension that says otherwise is listed, a missing one is not."""
    content = encoded(picture(), "PNG")
    [note] = decode_bytes(tmp_path / "x.JPEG", content).notes
    assert note == ("wrong extension", "a PNG named .jpeg")
    assert decode_bytes(tmp_path / "no_extension", content).notes == ()


# what is not usable


def hostile() -> dict[str, tuple[bytes, str]]:
    """Files that cannot be used: name -> (content, reason)."""
    jpeg, png = encoded(picture(64, 64), "JPEG"), encoded(picture(64, 64), "PNG")
    gif, tiff = encoded(picture(64, 64), "GIF"), encoded(picture(64, 64), "TIFF")
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + png[24:29]
    bomb = png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
    medium = b"P5 10000 10000 255\n" + b"x" * 10
    return {
        "empty.jpg": (b"", "empty file"),
        "text.jpg": (b"hello, I am no image" * 5, "not an image"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "half.png": (png[: len(png) // 2], "truncated"),
        "half.tif": (tiff[: len(tiff) // 2], "truncated"),
        "start.jpg": (jpeg[:12], "truncated"),
        "start.png": (png[:20], "truncated"),
        "half.gif": (gif[: len(gif) // 2], "truncated"),
        "forged.bmp": (encoded(picture(), "BMP")[:14] + bytes(100), "damaged"),
        "bomb.png": (bomb, "decompression bomb"),
        "medium_bomb.pgm": (medium, "decompression bomb"),
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_unusable_files(tmp_path: Path, name: str) -> None:
    """A file that is not a complete image has no pixels and one note with the reason."""
    content, reason = hostile()[name]
    found = decode_bytes(tmp_path / name, content)
    assert found.pixels is None
    assert [note.reason for note in found.notes] == [reason]


def test_nothing_stops_a_run(tmp_path: Path) -> None:
    """Files with random bytes overwritten, in every format, are decoded or refused, and raise nothing."""
    rng = np.random.default_rng(0)
    outcomes = Counter()
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
        content = encoded(picture(24, 24), kind)
        for _ in range(40):
            damaged = np.frombuffer(content, dtype=np.uint8).copy()
            damaged[rng.integers(0, len(damaged), 6)] = rng.integers(0, 256, 6)
            found = decode_bytes(tmp_path / f"x.{kind}", damaged.tobytes(), size=8)
            outcomes[found.pixels is None] += 1
    assert outcomes[True] > 20
    assert outcomes[False] > 20


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read, or is gone by now, is listed with the system's reason."""
    path = save(tmp_path / "x.jpg")
    assert decode_file(tmp_path / "gone.jpg", height=8, width=8, channels=3).notes[0].reason == "missing file"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert decode_file(path, height=8, width=8, channels=3).notes == (("unreadable", "Permission denied"),)


def test_too_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused before it is read."""
    monkeypatch.setattr(decode, "MAX_BYTES", 100)
    assert decode_bytes(tmp_path / "x.png", bytes(101)).notes[0].reason == "too large"


def test_pillow_is_quiet(tmp_path: Path) -> None:
    """Pillow's warnings about single files do not reach the user; others still do."""
    save(tmp_path / "set" / "a" / "1.jpg")
    (tmp_path / "set" / "a" / "bomb.pgm").write_bytes(b"P5 10000 10000 255\n")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        open_store(tmp_path / "set", tmp_path / "cache")
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["something else"]


def test_a_pipe_or_device_is_not_waited_for(tmp_path: Path) -> None:
    """A path may come with an imported case."""
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        found = decode_file(path, height=8, width=8, channels=3)
        assert (found.pixels, found.notes[0].reason) == (None, "unreadable")


# the store


def test_store_is_consistent(world: Path, tmp_path: Path) -> None:
    """Pixels, nodes, names, hashes and ids of the store fit together, and the pixels are those of the files."""
    store, problems = open_store(world, tmp_path / "cache")
    assert problems == ()
    assert store.pixels.shape == (11, 8, 8, 3)
    assert store.nodes == ("a", "b", "c")
    assert not store.pixels.flags.writeable
    assert (store.node_index.dtype, store.image_ids.dtype) == (np.int32, np.uint64)
    for i, name in enumerate(store.names):
        path = world / name.removeprefix("set/")
        assert store.nodes[store.node_index[i]] == path.parent.name
        assert store.sha256[i] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert int(store.image_ids[i]) == int.from_bytes(bytes.fromhex(store.sha256[i])[:8], "big")
        np.testing.assert_array_equal(store.pixels[i], decode_file(path, height=8, width=8, channels=3).pixels)


def test_every_prefix_is_balanced(world: Path, tmp_path: Path) -> None:
    """The order is round-robin over the leaves, the short ones dropping out."""
    store, _ = open_store(world, tmp_path / "cache")
    order = "".join(store.nodes[i] for i in store.node_index)
    assert order == "abcabcababa"


def test_per_leaf_takes_a_prefix(world: Path, tmp_path: Path) -> None:
    """Fewer images per leaf are the first of those taken for more; another seed takes others."""
    two, _ = open_store(world, tmp_path / "cache", per_leaf=2)
    every, _ = open_store(world, tmp_path / "cache")
    assert two.names == every.names[:6]
    samples = {frozenset(open_store(world, tmp_path / "cache", per_leaf=2, seed=seed)[0].names) for seed in range(6)}
    assert len(samples) > 1


def test_order_of_listing_does_not_matter(world: Path, tmp_path: Path) -> None:
    """The same files listed in another order give the same store."""
    settings: dict[str, Any] = {"size": Size(8, 8, 3), "per_leaf": 3, "seed": 4}
    first, _ = decode_images(files_in(world), cache=tmp_path / "1", **settings)
    second, _ = decode_images(files_in(world)[::-1], cache=tmp_path / "2", **settings)
    assert (first.names, first.fingerprint) == (second.names, second.fingerprint)


def test_sample_survives_renaming_the_corpus(world: Path, tmp_path: Path) -> None:
    """The sample and the fingerprint do not depend on where the corpus folder is or what it is called."""
    settings: dict[str, Any] = {"size": Size(8, 8, 3), "per_leaf": 2, "seed": 4}
    first, _ = decode_images(files_in(world), cache=tmp_path / "cache", **settings)
    world.rename(tmp_path / "moved")
    moved = [file._replace(source="other") for file in files_in(tmp_path / "moved")]
    second, _ = decode_images(moved, cache=tmp_path / "cache", **settings)
    assert first.fingerprint == second.fingerprint
    assert second.names == tuple(name.replace("set/", "other/", 1) for name in first.names)


def test_broken_files_are_replaced(world: Path, tmp_path: Path) -> None:
    """A broken file is listed and the next one of its leaf takes its place, in the same order."""
    before, _ = open_store(world, tmp_path / "cache", per_leaf=3)
    broken = [name for name in before.names if name.startswith("set/a/")][1]
    (world / broken.removeprefix("set/")).write_bytes(b"no image")
    after, problems = open_store(world, tmp_path / "cache", per_leaf=3)
    assert reasons(problems) == [(broken, "not an image", False)]
    leaf = [name for name in after.names if name.startswith("set/a/")]
    rest = [name for name in before.names if name.startswith("set/a/") and name != broken]
    assert leaf[:2] == rest
    assert len(leaf) == 3


def test_duplicates(world: Path, tmp_path: Path) -> None:
    """Of identical files, in any leaves, the first is kept; the others are listed, name it, and are replaced."""
    for copy in ("b/copy.png", "a/copy.png"):
        (world / copy).write_bytes((world / "a" / "0.png").read_bytes())
    store, problems = open_store(world, tmp_path / "cache")
    assert len(set(store.sha256)) == len(store.sha256) == 11
    assert [problem.reason for problem in problems] == ["duplicate", "duplicate"]
    [kept] = [name for name in store.names if name in ("set/a/0.png", "set/a/copy.png", "set/b/copy.png")]
    assert all(kept in problem.detail and not problem.used for problem in problems)
    one_each, _ = open_store(world, tmp_path / "cache", per_leaf=2)
    assert Counter(one_each.node_index.tolist()) == {0: 2, 1: 2, 2: 2}


def test_leaf_without_usable_images(world: Path, tmp_path: Path) -> None:
    """A leaf of which no file is usable is left out and listed."""
    for path in (world / "b").iterdir():
        path.write_bytes(b"")
    store, problems = open_store(world, tmp_path / "cache")
    assert store.nodes == ("a", "c")
    assert Counter(problem.reason for problem in problems) == {"empty file": 4, "no usable image": 1}
    assert ("set/b", "no usable image") in {problem[:2] for problem in problems}


def test_no_usable_image_at_all(tmp_path: Path) -> None:
    """Without any usable image the store is empty, its problems are reported, and nothing is kept."""
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "x.jpg").write_bytes(b"")
    store, problems = open_store(tmp_path / "set", tmp_path / "cache")
    assert store.pixels.shape == (0, 8, 8, 3)
    assert store.nodes == ()
    assert [problem.reason for problem in problems] == ["empty file", "no usable image"]
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_converted_files_are_used_and_listed(world: Path, tmp_path: Path) -> None:
    """A converted file is in the store and in the list."""
    save(world / "a" / "grey.png", picture().convert("CMYK"), "TIFF")
    store, problems = open_store(world, tmp_path / "cache")
    assert "set/a/grey.png" in store.names
    assert reasons(problems) == [
        ("set/a/grey.png", "converted from CMYK", True),
        ("set/a/grey.png", "wrong extension", True),
    ]


def test_thread_timing_does_not_matter(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is the same however long each file takes to decode."""
    (world / "a" / "copy.png").write_bytes((world / "b" / "0.png").read_bytes())
    (world / "a" / "bad.png").write_bytes(b"bad")
    expected = open_store(world, tmp_path / "0", per_leaf=4)
    rng = np.random.default_rng(0)
    delays = itertools.cycle(rng.uniform(0, 0.01, 50).tolist())

    def slow(path: Path, **size: int) -> decode.Decoded:
        time.sleep(next(delays))
        return decode_file(path, **size)

    monkeypatch.setattr(images, "decode_file", slow)
    monkeypatch.setattr(images, "_N_THREADS", 6)
    for run in range(1, 4):
        store, problems = open_store(world, tmp_path / str(run), per_leaf=4)
        assert (store.names, store.fingerprint, problems) == (expected[0].names, expected[0].fingerprint, expected[1])
        np.testing.assert_array_equal(store.pixels, expected[0].pixels)


def test_only_what_is_sampled_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond the sample are not opened, and few pictures wait in memory at any moment."""
    for i in range(300):
        save(tmp_path / "set" / f"{i % 3}" / f"{i}.png", picture(4, 4), "PNG")
    read: list[Path] = []
    lock = threading.Lock()

    def counting(path: Path, **size: int) -> decode.Decoded:
        with lock:
            read.append(path)
        return decode_file(path, **size)

    monkeypatch.setattr(images, "decode_file", counting)
    monkeypatch.setattr(images, "_N_AHEAD", 10)
    open_store(tmp_path / "set", tmp_path / "cache", per_leaf=2)
    assert len(read) == 6
    read.clear()
    one_by_one = images.usable_images(files_in(tmp_path / "set"), Size(8, 8, 3), per_leaf=None, seed=0, problems=[])
    next(one_by_one)
    time.sleep(0.2)
    assert len(read) <= 12
    one_by_one.close()
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


def test_progress_reaches_the_total(world: Path, tmp_path: Path) -> None:
    """Progress counts the images taken and ends at the total, also when some are missing."""
    (world / "a" / "0.png").write_bytes(b"")
    heard: list[tuple[str, int, int]] = []
    open_store(world, tmp_path / "cache", progress=lambda *call: heard.append(call))
    counted = [(done, total) for stage, done, total in heard if stage == "Decoding images"]
    assert counted == [*((i, 11) for i in range(1, 11)), (11, 11)]


def test_per_leaf_must_be_positive(world: Path, tmp_path: Path) -> None:
    """Zero images per leaf is a setting out of range."""
    with raises(SettingsError, "too few images", 0):
        open_store(world, tmp_path / "cache", per_leaf=0)


# the cache


def refuse_to_decode(*_: object, **__: object) -> None:
    raise AssertionError("decoded again")


def test_second_opening_decodes_nothing(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decoded is opened from disk with the same problems."""
    (world / "a" / "bad.png").write_bytes(b"bad")
    first, problems = open_store(world, tmp_path / "cache")
    monkeypatch.setattr(images, "decode_file", refuse_to_decode)
    second, again = open_store(world, tmp_path / "cache")
    assert (second.names, second.sha256, second.nodes) == (first.names, first.sha256, first.nodes)
    assert second.fingerprint == first.fingerprint
    assert again == problems
    np.testing.assert_array_equal(second.pixels, first.pixels)
    np.testing.assert_array_equal(second.image_ids, first.image_ids)


def test_changed_files_are_seen(world: Path, tmp_path: Path) -> None:
    """A changed, added or removed file, another size or another seed gives another store."""
    seen = []
    for change in (
        lambda: None,
        lambda: save(world / "a" / "0.png", kind="PNG"),
        lambda: save(world / "a" / "new.png", kind="PNG"),
        lambda: (world / "a" / "1.png").unlink(),
    ):
        change()
        seen.append(open_store(world, tmp_path / "cache")[0].fingerprint)
    others = ({"size": Size(9, 8, 3)}, {"size": Size(8, 8, 1)}, {"seed": 1})
    seen += [open_store(world, tmp_path / "cache", **other)[0].fingerprint for other in others]
    assert len(set(seen)) == len(seen)


def test_damaged_stores_are_rebuilt(world: Path, tmp_path: Path) -> None:
    """A store with a file missing, cut short, forged or of another shape is rebuilt."""
    expected, _ = open_store(world, tmp_path / "cache")
    pixels = np.array(expected.pixels)
    [place] = [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    index = json.loads((place / "index.json").read_text())

    def forge(**changes: object) -> None:
        (place / "index.json").write_text(json.dumps(index | changes))

    damages = (
        lambda: (place / "index.json").unlink(),
        lambda: (place / "pixels.npy").unlink(),
        lambda: os.truncate(place / "pixels.npy", 500),
        lambda: os.truncate(place / "pixels.npy", 0),
        lambda: (place / "index.json").write_bytes(b"{"),
        lambda: (place / "index.json").write_bytes(b"[]"),
        lambda: np.save(place / "pixels.npy", pixels[:-1]),
        lambda: np.save(place / "pixels.npy", pixels.astype(np.float32)),
        lambda: forge(sha256=index["sha256"][::-1]),
        lambda: forge(node_index=[99] * 11),
        lambda: forge(problems=[["too", "short"]]),
    )
    for i, damage in enumerate(damages):
        damage()
        store, _ = open_store(world, tmp_path / "cache")
        assert store.names == expected.names, i
        np.testing.assert_array_equal(store.pixels, pixels, err_msg=str(i))
        np.testing.assert_array_equal(np.load(place / "pixels.npy"), pixels, err_msg=str(i))


def test_full_disk(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is reported, and nothing is left behind."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"(?i)no space left|disk is full"):
            open_store(world, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    assert len(open_store(world, tmp_path / "cache")[0].names) == 11


def test_cache_that_cannot_be_made(world: Path, tmp_path: Path) -> None:
    """A cache folder that cannot be created is named."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        open_store(world, tmp_path / "file")


CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from fdcore.corpus import images
from fdcore.corpus.decode import decode_file
from unit.test_images import open_store
def slow(path, **size):
    time.sleep(float(sys.argv[2]))
    return decode_file(path, **size)
images.decode_file = slow
images._N_THREADS = 1
print("started", flush=True)
print(open_store(Path(sys.argv[1]) / "world", Path(sys.argv[1]) / "cache")[0].fingerprint)
"""


def start_child(folder: Path, seconds_per_image: float) -> subprocess.Popen[str]:
    tests = Path(__file__).resolve().parents[1]
    arguments = [sys.executable, "-c", CHILD, str(folder), str(seconds_per_image), str(tests), str(tests / "unit")]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_killed_run_leaves_no_store(world: Path, tmp_path: Path) -> None:
    """A run killed in the middle leaves nothing that is taken for a store, and the next run is as good as the first."""
    child = start_child(tmp_path, 0.5)
    assert child.stdout.readline() == "started\n"
    deadline = time.monotonic() + 20
    while not list((tmp_path / "cache").glob("*.draft/pixels.npy")) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert list((tmp_path / "cache").glob("*.draft/pixels.npy"))
    assert not list((tmp_path / "cache").glob("*/index.json"))
    store, _ = open_store(world, tmp_path / "cache")
    assert len(store.names) == 11
    assert not list((tmp_path / "cache").glob("*.draft"))


def test_two_runs_at_once(world: Path, tmp_path: Path) -> None:
    """Two processes that want the same store both get it, and it is whole."""
    children = [start_child(tmp_path, 0.03), start_child(tmp_path, 0.03)]
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    store, _ = open_store(world, tmp_path / "cache")
    assert {answer.split()[-1] for answer in answers} == {store.fingerprint}
