"""Which typed paths are let in."""

import os
from pathlib import Path

import pytest
from raising import raises

from fdcore.case.places import Places, folder_choices, inside, list_files, list_folders, require_inside
from fdcore.case.plan import require_allowed
from fdcore.demo.case import demo_plan, stickers_beside
from fdcore.errors import SettingsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    (folder / "drive" / "models").mkdir(parents=True)
    (folder / "drive" / "models" / "net.pt").write_bytes(b"x")
    (tmp_path / "secret.pt").write_bytes(b"s")
    return folder


def test_a_relative_path_inside_a_root_is_found(root):
    """The path that the analyst types is taken from the root."""
    assert inside((root,), "drive/models/net.pt") == root / "drive" / "models" / "net.pt"


@pytest.mark.parametrize(
    "text",
    ["../secret.pt", "drive/../../secret.pt", "/etc/../x", "~/x", "", "  ", "a\0b", "\\\\host\\share", "drive/.."],
)
def test_a_path_that_leaves_the_root_is_refused(root, text):
    """`..`, `~` and NUL end in a sentence."""
    with raises(SettingsError, "path outside"):
        inside((root,), text)


def test_an_absolute_path_is_refused_with_what_to_write(root):
    """Inside a root its part below that root, whether it is there or not; outside that it lies outside."""
    for name in ("drive/models/net.pt", "nothing.pt"):
        with raises(SettingsError, "path absolute", f"{root}: {name}"):
            inside((root.parent / "other", root), str(root / name))
    with raises(SettingsError, "path outside", root.parent / "secret.pt", root):
        inside((root,), str(root.parent / "secret.pt"))


def test_a_symbolic_link_is_refused_even_when_it_stays_inside(root):
    """A link may be changed after it was looked at."""
    (root / "out.pt").symlink_to(root.parent / "secret.pt")
    (root / "in.pt").symlink_to(root / "drive" / "models" / "net.pt")
    (root / "folder").symlink_to(root / "drive")
    for text in ("out.pt", "in.pt", "folder/models/net.pt"):
        with raises(SettingsError, "symbolic link"):
            inside((root,), text)


def test_a_path_that_is_not_there_is_a_sentence(root):
    """So is a name that is too long for the system."""
    for text in ("nothing.pt", "x" * 5000):
        with raises(SettingsError, "path missing"):
            inside((root,), text)


def test_absolute_paths_of_a_plan_must_lie_inside_too(root):
    """A plan may come from an imported case."""
    assert require_inside((root,), root / "drive") == root / "drive"
    assert require_inside((root,), root) == root
    for path in (root.parent / "secret.pt", root / ".." / "secret.pt"):
        with pytest.raises(SettingsError):
            require_inside((root,), path)


def test_listings_hold_no_hidden_files_and_no_links(root):
    """What can be chosen is what `inside` takes."""
    (root / ".hidden").write_bytes(b"")
    (root / "link.pt").symlink_to(root.parent / "secret.pt")
    assert list_files((root,)) == ["drive/models/net.pt"]
    assert list_folders((root,)) == ["drive", "drive/models"]
    (root / "set.tar").write_bytes(b"")
    assert list_folders((root,)) == ["drive", "drive/models", "set.tar"], "an archive is as good as a folder"
    (root / "set.tar").unlink()
    assert list_files((root.parent / "nowhere",)) == []


def test_a_models_folder_is_listed_as_one(root):
    """By its configuration; its files can be chosen too."""
    (root / "drive" / "models" / "config.json").write_text("{}")
    assert list_files((root,)) == ["drive/models", "drive/models/config.json", "drive/models/net.pt"]


def test_places_come_from_the_environment(tmp_path):
    """Several evidence folders are separated as in PATH."""
    places = Places.from_environment({"FDCORE_CASES": "c", "FDCORE_EVIDENCE": "/a:/b", "FDCORE_CACHE": str(tmp_path)})
    assert places.cases == Path("c").absolute()
    assert places.evidence == (Path("/a"), Path("/b"))
    assert places.corpora == (Path("corpora").absolute(),)
    assert places.cache == tmp_path


def test_the_demo_is_drawn_in_no_folder_that_was_named(tmp_path):
    """It lies beside the cache then, where it may be read and chosen like any other."""
    named = (tmp_path / "photos", tmp_path / "more")
    places = Places.from_environment(
        {"FDCORE_CORPORA": os.pathsep.join(map(str, named)), "FDCORE_CACHE": str(tmp_path / "cache")}
    )
    assert places.named_corpora == named
    assert places.demo == tmp_path / "cache" / "demo-corpora" / "demo"
    for picture_folder in (places.demo, stickers_beside(places.demo)):
        picture_folder.mkdir(parents=True)
        assert require_inside(places.corpora, picture_folder) == picture_folder
    assert folder_choices(places.corpora) == ["demo", "demo-stickers"]
    require_allowed(places, demo_plan(places.demo), tmp_path)


def test_without_a_named_folder_the_demo_lies_in_the_default_one():
    """Where `make demo` draws it too."""
    places = Places.from_environment({"FDCORE_CORPORA": ""})
    assert places.demo == Path("corpora/demo").absolute()
    assert places.corpora == places.named_corpora == (Path("corpora").absolute(),)


def test_every_folder_is_absolute():
    """A job that runs elsewhere must find the same ones."""
    names = ("FDCORE_CASES", "FDCORE_EVIDENCE", "FDCORE_CORPORA", "FDCORE_CACHE")
    places = Places.from_environment(dict.fromkeys(names, "relative"))
    assert places.cache == Path("relative").absolute()
    folders = (places.cases, *places.evidence, *places.corpora, places.demo, places.cache)
    assert all(path.is_absolute() for path in folders)
