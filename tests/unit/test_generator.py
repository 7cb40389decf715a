"""A generator that the analyst configures: what it is asked, what is taken of what it leaves, and how it is stopped."""

import os
import sys
import threading
import time
from pathlib import Path

import generator
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from raising import raises

from fdcore.corpus.generated import check_template, generated_leaf, is_generated, prompt_of
from fdcore.corpus.generator import Made, Order, _filled, parse_command, run_command, watch_folder
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CorpusError, GeneratorError, SettingsError
from fdcore.method.narrowing import Step, Tried, next_step
from fdcore.progress import silent

TABBY = "n02123045"
COMMAND = (sys.executable, generator.__file__, "{prompt}", "{folder}", "{count}", "{seed}")
TREE = Hierarchy.from_rows([
    ("thing", (), ("thing",)), ("plant", ("thing",), ("plant",)), ("stone", ("thing",), ("stone",)),
    ("leaf", ("plant",), ("leaf",)), ("root", ("plant",), ("root",)), ("maple", ("leaf",), ("maple leaf",)),
    ("generated-pictures/of leaf leaf made", ("leaf",), ("leaf (generated)",)),
])  # fmt: skip


def order(count: int = 3, timeout_s: float = 60) -> Order:
    return Order("a photo of a tabby", count, 7, timeout_s)


def made_by(*how: str, count: int = 3, timeout_s: float = 60) -> Made:
    return run_command((*COMMAND, *how), order(count, timeout_s), known=(), progress=silent)


# Prompts


def test_a_prompt_names_the_node_and_what_it_is():
    """The definition is WordNet's; the mark of the leaf is not part of it."""
    prompt = prompt_of("a photo of a {name}, {gloss}", load_wordnet(), TABBY)
    assert prompt.startswith("a photo of a tabby, a cat with a grey or tawny coat")


def test_a_node_without_a_definition_gives_its_names_and_neither_a_line_break_nor_an_option():
    """A hierarchy may come from anybody."""
    hierarchy = Hierarchy.from_rows([("x", (), ("--blue\nmaple", "acer {count}"))])
    assert prompt_of("{name}: {gloss}", hierarchy, "x") == "blue maple: --blue maple, acer {count}"


@pytest.mark.parametrize("template", ["a photo", "", "{name} {other}", "{name", "{name.__class__}", "{0}"])
def test_a_template_that_cannot_be_filled_in_is_refused(template):
    """With the two placeholders that it may have."""
    with raises(SettingsError, "prompt template", "{name}", "{gloss}"):
        check_template(template)


@pytest.mark.parametrize("name", ["train", "n04468005", "images", "../../etc", "a/b", ".hidden", "annotations"])
def test_a_generated_leaf_has_a_folder_that_means_nothing_else_and_a_mark(name):
    """Neither a part of a set, nor a node's own folder, nor a path that leads elsewhere."""
    leaf = generated_leaf(Hierarchy.from_rows([(name, (), (name,))]), name)
    folder = leaf.leaf.partition("/")[2]
    assert is_generated(leaf.leaf)
    assert "/" not in folder
    assert folder.startswith("of ")
    assert folder.endswith(" made")
    assert leaf.name == f"{name} (generated)"
    assert leaf.parent == name


# Narrowing


def test_the_first_round_is_the_node_itself_and_the_next_its_children():
    """Those with the most below them first; leaves of generated pictures are no children."""
    assert next_step(TREE, "plant", [], max_rounds=4, max_nodes=8) == Step(("plant",))
    rounds = [[Tried("plant", 0.1)]]
    assert next_step(TREE, "plant", rounds, max_rounds=4, max_nodes=8) == Step(("leaf", "root"))
    assert next_step(TREE, "plant", rounds, max_rounds=4, max_nodes=1) == Step(("leaf",))
    rounds.append([Tried("leaf", 0.6), Tried("root", 0.2)])
    assert next_step(TREE, "plant", rounds, max_rounds=4, max_nodes=8) == Step(("maple",))


@pytest.mark.parametrize(("rounds", "max_rounds", "why"), [
    ([[("plant", 0.4)], [("leaf", 0.4), ("root", 0.1)]], 4, "no longer rises"),
    ([[("plant", 0.4)], [("leaf", 0.1), ("root", 0.5)]], 4, "below root"),
    ([[("plant", 0.4)]], 1, "1 round was allowed"),
    ([[("plant", 0.1)], [("leaf", 0.2), ("root", 0.1)]], 2, "2 rounds were allowed"),
])  # fmt: skip
def test_narrowing_ends_where_scores_stop_rising_children_or_rounds_end(rounds, max_rounds, why):
    """And says why."""
    tried = [[Tried(*one) for one in made] for made in rounds]
    step = next_step(TREE, "plant", tried, max_rounds=max_rounds, max_nodes=8)
    assert not step.nodes
    assert why in step.why


# The command


def test_a_command_is_split_like_in_a_shell_and_nothing_in_it_is_expanded():
    """It is run as a list of arguments."""
    command = parse_command("draw 'two words' --prompt={prompt} {folder} $HOME ; rm *")
    assert command == ("draw", "two words", "--prompt={prompt}", "{folder}", "$HOME", ";", "rm", "*")


@pytest.mark.parametrize(
    "text", ["", "draw {prompt}", "draw {folder}", "{prompt} {folder}", "draw 'x {prompt} {folder}"]
)
def test_a_command_without_prompt_or_folder_is_refused(text):
    """Nor can the prompt be the program."""
    with raises(SettingsError, "generator command"):
        parse_command(text)


@given(st.text(max_size=30), st.sampled_from(["{prompt}", "--p={prompt}x{seed}", "{count}{folder}", "{nothing}"]))
def test_a_prompt_is_one_argument_and_never_read_as_a_placeholder(prompt, word):
    """Whatever it says."""
    values = (prompt, "/folder", "3", "7")
    parts = {"{prompt}": [prompt], "--p={prompt}x{seed}": ["--p=", prompt, "x7"], "{count}{folder}": ["3/folder"],
             "{nothing}": ["{nothing}"]}  # fmt: skip
    assert _filled(word, values) == "".join(parts[word])


def test_what_a_generator_paints_is_taken_as_it_is():
    """The same prompt and seed give the same pictures; what it prints is kept without the folder."""
    made = made_by()
    assert len(made.pictures) == 3
    assert made.printed == "painting a photo of a tabby in {folder}"
    assert [one.sha256 for one in made.pictures] == [one.sha256 for one in made_by().pictures]
    assert {one.suffix for one in made.pictures} == {".png"}
    assert not made.refused


def test_more_pictures_than_asked_for_and_known_ones_are_left_out():
    """Each with the reason."""
    known = {made_by().pictures[0].sha256}
    command = (*COMMAND[:4], "5", "{seed}")
    made = run_command(command, order(count=2), known=known, progress=silent)
    assert len(made.pictures) == 2
    assert [why for _, why in made.refused] == ["duplicate", "more than was asked for", "more than was asked for"]


@pytest.mark.parametrize(("how", "left"), [
    ("link", "link.png: symbolic link"), ("outside", "left nothing"), ("folder", "below.png: Is a directory"),
    ("huge", "huge.png: too large"), ("broken", "broken.png: "), ("pipe", "pipe.png: not a regular file"),
    ("text", "notes.txt: not called like a picture"), ("swapped", "left nothing"), ("nothing", "left nothing"),
])  # fmt: skip
def test_nothing_but_whole_pictures_in_its_own_folder_is_taken(how, left):
    """The error says what was left instead, and keeps what was printed."""
    with raises(GeneratorError, "no generated picture", left) as caught:
        made_by(how)
    assert "painting a photo of a tabby" in caught.value.printed


def test_a_generator_that_fails_is_named_with_what_it_printed():
    """And its exit status."""
    with raises(GeneratorError, "generator failed", "exit status 3", "out of memory"):
        made_by("fails")
    with raises(GeneratorError, "generator failed", "cannot be started"):
        run_command(("/no/such/program", *COMMAND[1:]), order(), known=(), progress=silent)


def test_a_generator_that_prints_without_end_is_ended():
    """Before it fills the disk."""
    with raises(GeneratorError, "generator failed", "printed more than"):
        made_by("prints")


def gone(pid: int) -> bool:
    """Whether a process has ended, within a few seconds."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_a_generator_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    """When its time is over."""
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    with raises(GeneratorError, "generator failed", "ended after 5 seconds"):
        made_by("hangs", timeout_s=5)
    assert gone(int((tmp_path / "child").read_text()))


def test_a_stop_ends_the_generator_with_all_that_it_started(tmp_path, monkeypatch):
    """The listener raises, as it does in a job that is paused."""
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))

    def stop(stage: str, done: int, total: int) -> None:
        if (tmp_path / "child").exists() and (tmp_path / "child").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_command((*COMMAND, "hangs"), order(), known=(), progress=stop)
    assert gone(int((tmp_path / "child").read_text()))


# The watched folder


def test_a_watched_folder_is_asked_by_a_file_and_waited_for(tmp_path):
    """A picture that is still being written does not count."""
    place = tmp_path / "of leaf"

    def fill() -> None:
        while not (place / "prompt.txt").exists():
            time.sleep(0.05)
        assert (place / "prompt.txt").read_text() == "a photo of a tabby\n"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(
            place / "whole.png"
        )
        content = (place / "whole.png").read_bytes()
        (place / "whole.png").write_bytes(content[: len(content) // 2])
        time.sleep(1)
        (place / "whole.png").write_bytes(content)
        generator.paint("tabby", place, 2, 0)

    writer = threading.Thread(target=fill)
    writer.start()
    made = watch_folder(place, order(), known=(), progress=silent)
    writer.join()
    assert len(made.pictures) == 3
    assert not made.refused


def test_a_watched_folder_that_nobody_fills_is_an_error_and_a_link_too(tmp_path):
    """After its time; a link could lead anywhere."""
    with raises(GeneratorError, "no generated picture"):
        watch_folder(tmp_path / "empty", order(timeout_s=1), known=(), progress=silent)
    os.symlink(tmp_path / "empty", tmp_path / "link")
    with raises(CorpusError, "not a folder"):
        watch_folder(tmp_path / "link", order(timeout_s=1), known=(), progress=silent)


def test_the_pictures_that_are_there_count_when_the_time_is_over(tmp_path):
    """A generator may make fewer than it was asked for."""
    generator.paint("tabby", tmp_path, 2, 0)
    assert len(watch_folder(tmp_path, order(timeout_s=1), known=(), progress=silent).pictures) == 2
