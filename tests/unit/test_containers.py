"""Tar archives and parquet files as corpora: read in place, by name, and harmless whatever they claim."""

import gzip
import io
import os
import tarfile
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from pictures import CAR, CAT, DOG, SMALL_WORDNET, encoded, picture, save
from raising import raises
from scipy.io import savemat

from fdcore.corpus import containers
from fdcore.corpus.containers import list_archive, on_disk, open_file
from fdcore.corpus.corpus import open_corpus, survey
from fdcore.corpus.decode import MAX_BYTES, decode_file
from fdcore.corpus.layouts import ImageSet, read_image_set
from fdcore.errors import CorpusError


def jpeg() -> bytes:
    return encoded(picture(), "JPEG")


def tar(entries: Iterable[tuple[str, bytes]], mode: str = "w", **kinds: bytes) -> bytes:
    """An archive of files; `kinds` gives some names another type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(content), kinds.get(name, tarfile.REGTYPE)
            info.linkname = "/etc/passwd" if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(root: Path, under: str | None = None) -> ImageSet:
    return read_image_set(root, hierarchy=SMALL_WORDNET, under=under)


def counts(images: ImageSet) -> dict[str, int]:
    return dict(Counter(file.node for file in images.files))


def reasons(images: ImageSet) -> dict[str, str]:
    return {problem.path: problem.reason for problem in images.problems}


def content(path: Path) -> bytes:
    file, size = open_file(path)
    with file:
        found = file.read()
    assert size == len(found)
    return found


PICTURES = {f"{node}/{node}_{i}.JPEG": jpeg() for node in (CAT, DOG) for i in range(3)}


def of_class(node: str) -> bytes:
    return tar((name.partition("/")[2], data) for name, data in PICTURES.items() if name.startswith(node))


def make(root: Path, kind: str) -> Path:
    """ImageNet's six pictures in archives of some kind; returns what the user names."""
    if kind == "one per class":
        for node in (CAT, DOG):
            put(root / f"{node}.tar", of_class(node))
        return root
    if kind == "of archives":
        return put(root / "ILSVRC2012_img_train.tar", tar((f"{node}.tar", of_class(node)) for node in (CAT, DOG)))
    if kind == "in a folder":
        make(root, "of archives")
        return root
    end = ".tgz" if kind == "packed" else ".tar"
    return put(
        root / f"set{end}",
        tar(((f"./set/train/{n}", c) for n, c in PICTURES.items()), "w:gz" if kind == "packed" else "w"),
    )


KINDS = ("one per class", "of archives", "in a folder", "class folders", "packed")


@pytest.mark.parametrize("kind", KINDS)
def test_archives_are_read_like_folders(tmp_path: Path, kind: str) -> None:
    """Every picture is found, named by archive and member, and has the bytes of the file; nothing is written."""
    root = make(tmp_path / "corpus", kind)
    before = sorted(tmp_path.rglob("*"))
    images = read(root)
    assert images.layout == "imagenet"
    assert counts(images) == {CAT: 3, DOG: 3}
    assert images.problems == ()
    for file in images.files:
        assert content(file.path) == PICTURES[f"{file.node}/{file.path.name}"]
        assert Path(f"{root}/{file.name}") == file.path
        assert on_disk(file.path).is_file()
    assert sorted(tmp_path.rglob("*")) == before


def test_one_class_may_be_one_archive(tmp_path: Path) -> None:
    images = read(put(tmp_path / f"{DOG}.tar", of_class(DOG)))
    assert (counts(images), images.files[0].full_name) == ({DOG: 3}, f"{DOG}.tar/{DOG}_0.JPEG")


def test_archives_of_words_are_classes(tmp_path: Path) -> None:
    """Each archive is a class of the name without its extension, and can be placed below a node."""
    for name in ("guinea_pig.tar", "hamster.tar.gz"):
        put(tmp_path / "pets" / name, tar([("1.jpg", jpeg())], "w:gz" if name.endswith("gz") else "w"))
    images = read(tmp_path / "pets", "n00015388")
    assert [label for _, _, label in images.new_nodes] == ["guinea pig", "hamster"]
    assert {file.name for file in images.files} == {"guinea_pig.tar/1.jpg", "hamster.tar.gz/1.jpg"}


def test_archives_beside_folders_or_pictures_stay_closed(tmp_path: Path) -> None:
    """The archive that a set came in lies beside it often; its pictures do not count twice."""
    for name in ("cat/1.jpg", "dog/1.jpg"):
        save(tmp_path / "set" / name)
    put(tmp_path / "set" / "all.tar", tar([("bird/1.jpg", jpeg())]))
    put(tmp_path / "set" / "cat" / "cat.tar", tar([("2.jpg", jpeg())]))
    images = read(tmp_path / "set")
    assert counts(images) == {"set/cat": 1, "set/dog": 1}
    assert reasons(images) == {"set/all.tar": "other file", "set/cat/cat.tar": "not an image"}


def test_tables_in_an_archive(tmp_path: Path) -> None:
    """Tiny ImageNet's validation pictures and their table, and pictures with a CSV, in an archive."""
    rows = f"a.JPEG\t{DOG}\t0\t0\t1\t1\n".encode()
    tiny = put(tmp_path / "tiny.tar", tar([("val/images/a.JPEG", jpeg()), ("val/val_annotations.txt", rows)]))
    assert counts(read(tiny)) == {DOG: 1}
    table = b"file,label\na.jpg,cat\nb.jpg,dog\n"
    named = put(tmp_path / "named.tar", tar([("train/a.jpg", jpeg()), ("train/b.jpg", jpeg()), ("labels.csv", table)]))
    assert counts(read(named)) == {"named.tar/cat": 1, "named.tar/dog": 1}


def test_imagenet_as_it_is_downloaded(tmp_path: Path) -> None:
    """The archives of training and validation pictures beside that of the development kit, which labels the latter."""
    make(tmp_path / "imagenet", "of archives")
    val = [(f"ILSVRC2012_val_0000000{i}.JPEG", jpeg()) for i in (1, 2)]
    put(tmp_path / "imagenet" / "ILSVRC2012_img_val.tar", tar(val))
    truth = "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    meta = io.BytesIO()
    fields = [("ILSVRC2012_ID", object), ("WNID", object), ("words", object)]
    savemat(meta, {"synsets": np.array([(1, DOG, "dog"), (2, CAT, "cat")], fields)})
    kit = tar([(truth, b"2\n1\n"), (truth.rpartition("/")[0] + "/meta.mat", meta.getvalue())], "w:gz")
    put(tmp_path / "imagenet" / "ILSVRC2012_devkit_t12.tar.gz", kit)
    images = read(tmp_path / "imagenet")
    assert images.layout == "imagenet + ilsvrc-val"
    assert [file.node for file in images.files if "_val" in file.name] == [CAT, DOG]
    assert counts(images) == {CAT: 4, DOG: 4}


def test_decoding_and_survey(tmp_path: Path) -> None:
    """A corpus in archives has the same pixels as one in folders; a changed archive is another store."""
    for name, data in PICTURES.items():
        put(tmp_path / "plain" / name, data)
    root = make(tmp_path / "corpus", "one per class")

    def opened(folder: Path) -> object:
        return open_corpus([folder], hierarchy=SMALL_WORDNET, height=8, width=8, channels=3, cache=tmp_path / "cache")

    plain, packed = opened(tmp_path / "plain").store, opened(root).store
    assert set(plain.sha256) == set(packed.sha256)
    found = survey([root], hierarchy=SMALL_WORDNET)
    assert found.sources[0].n_usable == {CAT: 3, DOG: 3}
    assert found.samples[DOG][0] == str(root / f"{DOG}.tar" / f"{DOG}_0.JPEG")
    put(root / f"{DOG}.tar", tar([("new.jpg", jpeg())]))
    assert opened(root).store.key != packed.key


def test_a_node_behind_an_archive(tmp_path: Path) -> None:
    """DIR@NODE may name an archive."""
    path = put(tmp_path / "pets.tar", tar([("hamster/1.jpg", jpeg()), ("rat/1.jpg", jpeg())]))
    corpus = open_corpus(
        [f"{path}@animal"], hierarchy=SMALL_WORDNET, height=8, width=8, channels=3, cache=tmp_path / "cache"
    )
    assert corpus.hierarchy.parents("pets.tar/hamster") == ("n00015388",)


# hostile and damaged archives


def test_nothing_outside_is_reached(tmp_path: Path) -> None:
    """Absolute names, `..`, links, devices and pipes are listed and not read."""
    save(tmp_path / "secret.jpg")
    odd = {
        "cat/link.jpg": tarfile.SYMTYPE, "cat/hard.jpg": tarfile.LNKTYPE, "cat/pipe.jpg": tarfile.FIFOTYPE,
        "cat/device.jpg": tarfile.CHRTYPE,
    }  # fmt: skip
    names = ["cat/1.jpg", "dog/1.jpg", "../secret.jpg", "cat/../../secret.jpg", "/etc/2.jpg"]
    entries = [(name, jpeg()) for name in names] + [(name, b"") for name in odd]
    images = read(put(tmp_path / "set.tar", tar(entries, **odd)))
    assert counts(images) == {"set.tar/cat": 1, "set.tar/dog": 1}
    assert Counter(reasons(images).values()) == {"not an image": 4, "unsafe name": 3}
    for path in ("set.tar/../secret.jpg", "set.tar/cat/link.jpg", "set.tar/etc/2.jpg", "set.tar/none.jpg"):
        assert decode_file(tmp_path / path, height=8, width=8, channels=3).pixels is None or ".." in path


def test_a_member_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A member of gigabytes, here of holes, is refused by its size."""
    path = tmp_path / "set.tar"
    info = tarfile.TarInfo("cat/big.jpg")
    info.size = MAX_BYTES + 1
    with path.open("wb") as file:
        file.write(info.tobuf())
        file.truncate(512 + (info.size + 511) // 512 * 512)
        file.seek(0, os.SEEK_END)
        file.write(tar([("cat/1.jpg", jpeg())]))
    tracemalloc.start()
    found = survey([path], hierarchy=SMALL_WORDNET)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert found.sources[0].n_usable == {"set.tar/cat": 1}
    assert {problem.reason for problem in found.problems} == {"too large"}


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    """An archive that unpacks to far more than pictures can is left at that point; what was read before counts."""
    path = tmp_path / "set.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(tar([("cat/1.jpg", jpeg())])[:1536])
        info = tarfile.TarInfo("cat/2.jpg")
        info.size = 2**30
        file.write(info.tobuf())
        for _ in range(110):
            file.write(bytes(2**20))
    images = read(path)
    [problem] = [problem for problem in images.problems if problem.reason == "damaged archive"]
    assert "100 times" in problem.detail


@pytest.mark.parametrize("end", [".tar", ".tar.gz"])
def test_a_damaged_archive_gives_what_it_has(tmp_path: Path, end: str) -> None:
    """What lies before the damage is read; an archive without any file is refused, with the reason counted."""
    whole = tar([(f"cat/{i}.jpg", np.random.default_rng(i).bytes(90_000)) for i in range(4)])
    cut = gzip.compress(whole)[:200_000] if end == ".tar.gz" else whole[:200_000]
    images = read(put(tmp_path / f"set{end}", cut))
    assert 1 <= len(images.files) <= 3
    assert "damaged archive" in reasons(images).values()
    for junk in (b"", b"not a tar", b"\x1f\x8b\x08damaged", bytes(10_000)):
        with raises(CorpusError, "no images found"):
            read(put(tmp_path / f"junk{end}", junk))


def test_a_header_of_megabytes_is_not_read(tmp_path: Path) -> None:
    """tarfile would read an extended header of any length into memory."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**31
    path = put(tmp_path / "set.tar", info.tobuf(tarfile.USTAR_FORMAT))
    with path.open("ab") as file:
        file.truncate(2**31 + 4096)
    tracemalloc.start()
    with raises(CorpusError, "no images found", "damaged archive"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_very_deep_and_very_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "/".join(["d"] * 1_000) + "/1.jpg"
    images = read(put(tmp_path / "set.tar", tar([(deep, b"x"), ("cat/1.jpg", jpeg())])))
    assert counts(images) == {"set.tar/cat": 1}
    monkeypatch.setattr(containers, "MAX_MEMBERS", 3)
    many = read(put(tmp_path / "many.tar", tar((f"cat/{i}.jpg", jpeg()) for i in range(9))))
    assert (len(many.files), set(reasons(many).values())) == (4, {"damaged archive"})


def test_archives_in_archives_end(tmp_path: Path) -> None:
    """Archives nested deeper than data sets have them are not opened."""
    content = tar([("cat/1.jpg", jpeg())])
    for i in range(40):
        content = tar([(f"{i}.tar", content)])
    with raises(CorpusError, "no images found", "nested more than 3 deep"):
        read(put(tmp_path / "set.tar", content))
    assert (
        decode_file(
            tmp_path / "set.tar" / "/".join(f"{i}.tar" for i in range(39, -1, -1)) / "1.jpg",
            height=8,
            width=8,
            channels=3,
        ).pixels
        is None
    )


def test_any_place_of_a_gzip_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are read in any order, from points in between, also if the file consists of several gzip files."""
    monkeypatch.setattr(containers, "_POINT_BYTES", 40_000)
    rng = np.random.default_rng(0)
    files = {f"cat/{i}.jpg": rng.bytes(int(rng.integers(1, 60_000))) for i in range(40)}
    whole = tar(files.items())
    halves = gzip.compress(whole[:500_000]) + gzip.compress(whole[500_000:]) + bytes(600)
    path = put(tmp_path / "set.tgz", halves)
    archive, _ = list_archive(str(path))
    assert len(archive.points) > 10
    for name in rng.permutation(list(files)):
        assert content(path / str(name)) == files[str(name)]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Names of members are printable in every table, and the files are found by them nevertheless."""
    names = ("caf\udce9/1.jpg", "two\nlines/2.jpg")
    path = put(tmp_path / "set.tar", tar((name, jpeg()) for name in names))
    images = read(path)
    assert all(file.name.isprintable() for file in images.files)
    assert all(content(file.path).startswith(b"\xff\xd8") for file in images.files)
    assert len(images.files) == 2


def test_only_archives_and_folders(tmp_path: Path) -> None:
    """A car is no archive, and a folder called like one is a folder."""
    save(tmp_path / "cars.tar" / CAR / "1.jpg")
    assert counts(read(tmp_path / "cars.tar")) == {CAR: 1}
    with raises(CorpusError, "not a folder", tmp_path / "set.zip"):
        read(put(tmp_path / "set.zip", b"PK"))
