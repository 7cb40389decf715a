"""Suspects that take texts: samples, views, corpora, files, the untrained comparison, clones and other languages."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from raising import raises
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import fdcore
from fdcore.answers.views import ViewSpec, make_views
from fdcore.case.case import Case
from fdcore.case.clones import read_runs, run_folder
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.cloning.bag_of_words import BagOfWords
from fdcore.cloning.networks import build_clone
from fdcore.cloning.run import CARD
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.corpus.corpus import open_corpus, survey
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.layouts import read_image_set
from fdcore.corpus.topics import sample_texts, topics, write_topics
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CorpusError, SettingsError, SuspectError
from fdcore.notebook import Findings
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import PreprocessSpec, text_spec
from fdcore.suspect.suspect import Suspect
from fdcore.texts import as_picture, as_sample, as_samples, as_text, as_texts, is_text, visible
from fdcore.words.claims import claims_from_csv
from fdcore.words.similarity import nearest_tokens
from fdcore.words.vectors import open_vectors
from fdcore.work.clones import Lab, clone
from fdcore.work.grow import GrowRequest, grow
from fdcore.work.intake import check_suspect
from fdcore.work.readings import compare_readings

ARABIC, HEBREW, JAPANESE = "طائر صغير يغني", "ציפור קטנה שרה", "小さな鳥が歌う"
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
ROOT = Hierarchy.from_rows([("thing", (), ("thing",)), ("n01503061", ("thing",), ("bird",))])


# Samples


@pytest.mark.parametrize("text", ["", "a bird", ARABIC, HEBREW, JAPANESE, "\N{GRINNING FACE} \N{COMBINING CARON}"])
def test_texts_survive_as_samples(text):
    """Any text comes back as it was."""
    sample = as_sample(text, 64)
    assert (sample.shape, sample.dtype, is_text(sample)) == ((1, 64, 1), np.uint8, True)
    assert as_text(sample) == text


def test_long_texts_are_cut_between_characters():
    """A cut leaves whole characters, and NUL does not end a text."""
    assert as_text(as_sample(JAPANESE, 10)) == JAPANESE[:3]
    assert as_text(as_sample("a\0b", 8)) == "a\N{REPLACEMENT CHARACTER}b"


def test_what_is_drawn_and_shown_cannot_reverse_what_is_around_it():
    """Controls of direction are written out; the letters of right-to-left scripts stay."""
    assert visible(f"bird{OVERRIDE}drib\n{ARABIC}") == f"bird\\u202edrib {ARABIC}"
    drawn = as_picture(as_sample(f"{OVERRIDE}{HEBREW} {'x' * 300}"), 96)
    assert drawn.shape == (96, 96, 3)
    assert drawn.min() < 128 < drawn.max()


# Views


def test_views_of_texts_are_pure_functions():
    """View 0 is the text; others depend on seed, text and number alone, not on the batch."""
    texts = as_samples(["the quick brown fox jumps over the lazy dog " * 3, JAPANESE * 5, "two words"])
    ids = np.array([5, 6, 7], np.uint64)

    def view(part: slice, number: int, seed: int = 0) -> list[str]:
        return as_texts(make_views(texts[part], ids[part], view=number, seed=seed, spec=ViewSpec()))

    every = slice(None)
    assert view(every, 0) == as_texts(texts)
    first = view(every, 1)
    assert [first[i] for i in range(3)] == [view(slice(i, i + 1), 1)[0] for i in range(3)]
    assert first[:2] != as_texts(texts)[:2]
    assert first != view(every, 2) != view(every, 1, seed=1)


def test_only_names_of_one_node_are_replaced_by_synonyms():
    """A view's words are those of the text and synonyms of the same node; "a" and "in" stay."""
    text = "a chickadee in an automobile " * 8
    sample, ids = as_samples([text]), np.array([1], np.uint64)
    views = [make_views(sample, ids, view=view, seed=0, spec=ViewSpec()) for view in range(1, 9)]
    words = {word for view in views for word in as_texts(view)[0].split()}
    known = {name for node in load_wordnet().search("automobile") for name in load_wordnet().synonyms(node)}
    assert words <= {"a", "in", "an", "automobile", "chickadee"} | known
    assert {"a", "in"} <= words


# Corpora


def texts_in(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def opened(folder: Path, cache: Path, **size: int):
    size = size or {"height": 1, "width": 32, "channels": 1}
    return open_corpus([folder], hierarchy=ROOT, cache=cache, **size)


def test_a_folder_of_texts_for_each_class(tmp_path):
    """Each file is a text; names of nodes are nodes, others become new ones; problems are listed."""
    folder = texts_in(tmp_path / "set", n01503061__1="a robin", n01503061__2=ARABIC, birds__1="a wren",
                      birds__2=b"\xff\xfe\x00", birds__3=" \n", birds__4="x" * 40, birds__5="a robin")  # fmt: skip
    (folder / "birds" / "notes.md").write_text("x")
    corpus = opened(folder, tmp_path / "cache")
    assert corpus.sources == ("set (texts)",)
    assert set(corpus.store.nodes) == {"n01503061", "set/birds"}
    assert sorted(as_texts(corpus.store.pixels)) == sorted(["a robin", ARABIC, "a wren", "x" * 32])
    assert {problem.path: problem.reason for problem in corpus.problems} == {
        "set/birds/2.txt": "not a text", "set/birds/3.txt": "empty file", "set/birds/4.txt": "shortened",
        "set/birds/5.txt": "duplicate", "set/birds/notes.md": "other file",
    }  # fmt: skip


def test_a_file_of_lines_for_each_class(tmp_path):
    """Without folders each file is a class and each line a text, named by file and number."""
    folder = texts_in(tmp_path / "set", n01503061="a robin\n\na wren\n", rocks="basalt\ngranite")
    corpus = opened(folder, tmp_path / "cache")
    names = ["n01503061.txt/1", "n01503061.txt/3", "rocks.txt/1", "rocks.txt/2"]
    assert sorted(corpus.store.names) == [f"set/{name}" for name in names]
    assert corpus.hierarchy.label("set/rocks") == "rocks"
    found = survey([folder], hierarchy=ROOT)
    assert found.sources[0].n_usable == {"n01503061": 2, "set/rocks": 2}


def test_texts_beside_pictures_are_no_corpus_of_texts(tmp_path):
    """A folder with a picture is one of pictures, whatever texts lie beside it."""
    folder = texts_in(tmp_path / "set", cat__notes="x", dog__notes="y")
    (folder / "cat" / "1.png").write_bytes(b"")
    assert read_image_set(folder, hierarchy=ROOT).layout == "folders"


def test_a_corpus_of_the_other_kind_is_refused_in_words(tmp_path):
    """The message says what the suspect takes."""
    folder = texts_in(tmp_path / "set", a="x\ny", b="z\nw")
    with raises(CorpusError, "no usable image", "takes images", "not an image: 4"):
        opened(folder, tmp_path / "cache", height=8, width=8, channels=3)


def test_folder_names_in_other_scripts_are_labels_without_controls(tmp_path):
    """A class named in Arabic keeps its letters; one that reverses text loses the control."""
    folder = texts_in(tmp_path / "set", **{f"{ARABIC}__1": "a", f"x{OVERRIDE}y__1": "b"})
    corpus = opened(folder, tmp_path / "cache")
    assert {corpus.hierarchy.label(node) for node in corpus.store.nodes} == {ARABIC, "x y"}


def test_topics_hold_every_definition_once(tmp_path):
    """Each topic has its texts; what a smaller topic holds is not in the larger one; written, they are a corpus."""
    found = topics()
    every = [text for texts in found.values() for text in texts]
    assert min(map(len, found.values())) >= 20
    assert len(every) == len(set(every)) > 20_000
    assert write_topics(tmp_path / "topics") == len(found)
    written = read_image_set(tmp_path / "topics", hierarchy=load_wordnet())
    assert (written.layout, len(written.files), written.problems) == ("texts", len(every), ())
    assert len(sample_texts(7)) == 7
    with raises(CorpusError, "folder not empty"):
        write_topics(tmp_path / "topics")


# Suspects


def by_length(texts: list[str]) -> list[int]:
    return [min(len(text), 9) for text in texts]


def test_a_function_of_texts_is_a_suspect():
    """It receives strings; its identity covers their length."""
    suspect = Suspect.from_callable(by_length, kind="text", n_classes=10)
    assert suspect.spec == text_spec()
    assert suspect.labels(as_samples(["", "abc", JAPANESE])).tolist() == [0, 3, 7]
    other = Suspect.from_callable(by_length, kind="text", n_classes=10, input_size=64)
    assert other.fingerprint != suspect.fingerprint
    scored = Suspect.from_callable(lambda texts: np.eye(3)[[len(text) % 3 for text in texts]], kind="text")
    assert scored.n_classes == 3


def test_sizes_that_mean_nothing_are_refused():
    """A function of pictures needs a size, and one row is how texts are held."""
    with raises(SettingsError, "size needed", "input_size"):
        Suspect.from_callable(by_length, n_classes=2)
    with raises(SettingsError, "size of texts"):
        Suspect.from_callable(by_length, kind="text", input_size=(2, 3), n_classes=2)
    with raises(SettingsError, "picture of one row"):
        Suspect.from_callable(by_length, input_size=(1, 3), channels=1, n_classes=2)


def graph(path: Path, kind: int = TensorProto.STRING, locale: str | None = "xx_XX") -> Path:
    """Class 1 if a text speaks more of birds than of cars."""
    words, scores = ["bird", "wing", "car", "wheel"], np.array([[0, 1], [0, 1], [1, 0], [1, 0]], np.float32)
    nodes = [
        helper.make_node("StringNormalizer", ["x"], ["low"], case_change_action="LOWER", locale=locale),
        helper.make_node("Tokenizer", ["low"], ["tokens"], domain="com.microsoft", mark=0, pad_value="#",
                         tokenexp="[a-z]+", mincharnum=1),
        helper.make_node("TfIdfVectorizer", ["tokens"], ["counts"], mode="TF", min_gram_length=1, max_gram_length=1,
                         max_skip_count=0, ngram_counts=[0], ngram_indexes=[0, 1, 2, 3], pool_strings=words),
        helper.make_node("MatMul", ["counts", "w"], ["scores"]),
    ]  # fmt: skip
    given = helper.make_tensor_value_info("x", kind, ["n"])
    answer = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])
    made = helper.make_graph(nodes, "g", [given], [answer], [numpy_helper.from_array(scores, "w")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    path.write_bytes(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def test_an_onnx_graph_of_strings_is_a_suspect_of_texts(tmp_path):
    """It runs in its cell, in a locale that every machine has; pictures' options are refused with a sentence."""
    path = graph(tmp_path / "m.onnx")
    suspect = open_suspect(path)
    assert suspect.labels(as_samples(["A BIRD has a wing", "the wheel of a car"])).tolist() == [1, 0]
    assert (suspect.n_classes, suspect.spec.kind, suspect.origins.guessed) == (2, "text", ())
    assert "texts of at most 2,048 bytes" in suspect.description
    for given in ({"preset": "imagenet"}, {"spec_overrides": {"height": 32}}):
        with raises(SettingsError, "input of texts", "takes texts"):
            open_suspect(path, **given)


TEXTS = ["a bird with a wing", "the wing of a bird", "a car with a wheel", "the wheel of a car"]


def dumped(path: Path, model: object) -> Path:
    """A scikit-learn model as skops saves it."""
    path.write_bytes(pytest.importorskip("skops.io").dumps(model))
    return path


def test_scikit_learn_pipelines_are_read_from_skops(tmp_path):
    """They run in their cell; the classes' names come from the file."""
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["bird", "bird", "car", "car"])
    suspect = open_suspect(dumped(tmp_path / "m.skops", model))
    assert suspect.labels(as_samples(["bird wing", "wheel"])).tolist() == [0, 1]
    assert suspect.class_names == ("bird", "car")
    assert "TfidfVectorizer + LogisticRegression" in suspect.description


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        (make_pipeline(TfidfVectorizer(tokenizer=by_length), LogisticRegression()), "untrusted types", "by_length"),
        (LogisticRegression().fit([[0.0], [1.0]], [0, 1]), "takes no texts", "numbers or tables"),
    ],
    ids=["own code", "numbers"],
)
def test_what_skops_does_not_trust_or_takes_no_texts_is_refused(tmp_path, model, key, value):
    """Types beyond those that skops trusts are named, and nothing is built; a classifier of numbers is refused."""
    with raises(SuspectError, key, value):
        open_suspect(dumped(tmp_path / "m.skops", model))


# From corpus to verdict and clone


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Forty topics, half of whose texts train classifiers of birds, food, vehicles and clothes, and the other half."""
    folder, hierarchy = tmp_path_factory.mktemp("texts"), load_wordnet()
    roots = ("n01503061", "n07555863", "n04524313", "n03051540")
    every = topics()
    of_class = [[n for n in every if n == root or root in hierarchy.ancestors(n)][:10] for root in roots]
    texts, labels = [], []
    for number, nodes in enumerate(of_class):
        for node in nodes:
            texts += every[node][::2]
            labels += [number] * len(every[node][::2])
            texts_in(folder / "topics", **{node: "\n".join(every[node][1::2][:14])})
    build = lambda: make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, class_weight="balanced"))  # noqa: E731
    return SimpleNamespace(folder=folder, roots=roots, of_class=of_class, predict=build().fit(texts, labels).predict)


def found_by(world, predict, name: str, case: str | None = None) -> Findings:
    suspect = Suspect.from_callable(predict, kind="text", n_classes=4, name=name)
    place = None if case is None else world.folder / case
    return fdcore.investigate(suspect, world.folder / "topics", case=place, cache=world.folder / "cache")


def test_a_trained_classifier_is_found_again_and_an_untrained_one_is_meaningless(world):
    """Every class leads to its own topics; a random classifier of the same words has no meaning."""
    found = found_by(world, world.predict, "trained")
    assert found.verdict.outcome == "meaningful"
    assert "rates of pictures" in {point.key for point in found.verdict.weak_points}
    for finding, nodes in zip(found, world.of_class, strict=True):
        assert finding.leaves.keys() <= set(nodes), finding
        assert finding.leaves
    assert found.scored.chance.consistency > 2 * found.scored.chance.highest
    hashed = HashingVectorizer(n_features=4096)
    weights = np.random.default_rng(0).standard_normal((4096, 4))
    untrained = found_by(world, lambda texts: hashed.transform(texts) @ weights, "untrained")
    assert untrained.verdict.outcome != "meaningful"
    assert untrained.scored.chance.consistency < 1.25 * untrained.scored.chance.highest


@pytest.fixture(scope="module")
def case(world) -> Case:
    """The trained one as a case."""
    found_by(world, world.predict, "trained", "case")
    return Case.open(world.folder / "case")


def test_its_report_shows_texts(case):
    """The report is drawn with pictures of the texts and keeps the kind."""
    assert case.facts().kind == "text"
    assert "data:image/jpeg;base64," in case.path("report.html").read_text()


def test_its_clone_is_a_bag_of_words(world, case):
    """The lab draws, trains, tests and writes a clone from texts alone."""
    request = CloneRequest(
        (Source(SourceKind.FOUND),), TransferSettings(total=200),
        TrainingSettings(arch="bag-of-words", epochs=8, device="cpu"),
    )  # fmt: skip
    with Lab(case, world.folder / "cache") as lab:
        clone(lab, request)
    [run] = read_runs(case)
    assert run.finished
    assert run.best_agreement > 0.5
    card = case.path(f"{run_folder(run.id)}/{CARD}").read_text()
    assert "Bag of words" in card


def test_what_is_for_pictures_alone_says_so(world, case, tmp_path):
    """Growing, readings, augmentation by pixels and other networks are refused with a sentence."""
    path = graph(tmp_path / "m.onnx")
    plan = Plan(SuspectOptions(), (str(world.folder / "topics"),), settings=Settings(images_per_leaf=2))
    folder = tmp_path / "case"
    Case.open_or_create(folder).record(plan=plan)
    query = check_suspect(folder, path, [("drawing", np.zeros((8, 8, 3), np.uint8))])
    assert len(query.names) == len(query.labels) > 10
    with raises(SettingsError, "readings of texts"):
        compare_readings(folder, cache=tmp_path / "cache")
    with raises(SettingsError, "pictures for texts"):
        grow(folder, GrowRequest("n01503061", ("true",)), cache=tmp_path / "cache")
    with raises(SettingsError, "wrong kind of clone"):
        build_clone("resnet20", 4, text_spec(), 0)
    with raises(SettingsError, "wrong kind of clone"):
        build_clone("bag-of-words", 4, PreprocessSpec(), 0)
    training = TrainingSettings(arch="bag-of-words", jacobian_rounds=1)
    request = CloneRequest((Source(SourceKind.FOUND),), training=training)
    with raises(SettingsError, "rounds of texts"), Lab(case, world.folder / "cache") as lab:
        clone(lab, request)


def test_a_bag_of_words_tells_words_apart_and_forgets_their_order():
    """Case and order do not matter, words do; other scripts count too."""
    network = BagOfWords(5)
    torch.nn.init.normal_(network.weight, generator=torch.Generator().manual_seed(0))

    def scores(*texts: str) -> torch.Tensor:
        return network(torch.from_numpy(as_samples(texts, 96)).permute(0, 3, 1, 2) / 127.5 - 1)

    texts = ("A big dog.", "dog big a", "god big a", ARABIC, ARABIC[::-1], "")
    one, other, different, arabic, reverse, empty = scores(*texts)
    assert torch.allclose(one, other, atol=1e-5)
    assert not torch.allclose(one, different)
    assert not torch.allclose(arabic, reverse)
    assert torch.equal(empty, network.bias)


# Claims and vectors in other languages


def test_claims_and_vectors_of_any_language_meet(tmp_path):
    """UTF-8 from the table to the vector; a claim is compared by its own word."""
    claims = claims_from_csv("0,طائر\n1,ציפור\n2,鳥\n".encode(), 3, source="t").names
    assert claims == {0: "طائر", 1: "ציפור", 2: "鳥"}
    lines = ["4 3", "طائر 1 0 0", "ציפור 0.9 0.1 0", "鳥 0 1 0", "bird 1 0 0"]
    (tmp_path / "v.vec").write_text("\n".join(lines) + "\n", "utf-8")
    vectors = open_vectors(tmp_path / "v.vec", tmp_path / "cache")
    nearest = {number: nearest_tokens([name], ["bird"], vectors) for number, name in claims.items()}
    assert [round(nearest[number].cosine, 2) for number in range(3)] == [1.0, 0.99, 0.0]
