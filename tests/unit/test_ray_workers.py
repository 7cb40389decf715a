"""What a cluster's worker does, and the errors without a cluster; Ray itself is not needed here."""

import json
import sys
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import case_factory
import numpy as np
import pytest
from raising import raises

from fdcore import demo
from fdcore.answers import ray_workers
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.ray_workers import Opening, RayWorkers, _answer
from fdcore.answers.shards import LostError, Task, answer_shard, unseal
from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.case.custody import check_case
from fdcore.case.plan import SuspectOptions
from fdcore.case.spending import n_sent
from fdcore.cli.main import main
from fdcore.errors import EvidenceError, SettingsError, SuspectError
from fdcore.jobs.kinds import KINDS
from fdcore.progress import silent
from fdcore.storage import sha256_file
from fdcore.suspect.open import open_suspect
from fdcore.work.cluster import Cluster, require_shared
from fdcore.work.investigate import run_plan


@pytest.fixture(scope="module")
def suspect():
    return open_suspect(demo.SUSPECT_PATH)


@pytest.fixture
def opening(suspect) -> Opening:
    return Opening(
        "suspect.pt", sha256_file(demo.SUSPECT_PATH), json.dumps(asdict(SuspectOptions())), suspect.fingerprint,
        ray_workers._versions(), None, lambda: np.fromfile(demo.SUSPECT_PATH, np.uint8),
    )  # fmt: skip


def task_of(suspect, place: Path) -> Task:
    spec, ids = suspect.spec, np.arange(3, dtype=np.uint64)
    header = LedgerHeader(suspect.fingerprint, suspect.n_classes, spec, "", 0, ViewSpec(), 3, 1)
    pictures = np.random.default_rng(0).integers(0, 256, (3, spec.height, spec.width, 3), dtype=np.uint8)
    return Task(header, 0, ids, pictures, 0, str(place))


def test_a_worker_opens_its_own_copy_and_answers_as_the_driver_does(suspect, opening, tmp_path):
    """From the bytes that it was sent, with the options of the plan."""
    task = task_of(suspect, tmp_path)
    shard = unseal(_answer(opening, task))
    assert np.frombuffer(shard.labels, "<i4").tolist() == suspect.labels(task.pictures).tolist()
    assert (shard.n_sent, len([*tmp_path.glob("*.shard")])) == (3, 1)
    assert _answer(opening, None) == b""


def test_a_worker_refuses_another_file_another_reading_and_other_packages(opening):
    """Each is said before any query is sent."""
    changed = replace(opening, fetch=lambda: opening.fetch()[:-1])
    cases = (
        (replace(changed, name="a"), EvidenceError, "evidence changed", opening.sha256[:12]),
        (replace(opening, fingerprint="0" * 64), SuspectError, "another suspect", "--arch"),
        (replace(opening, versions=opening.versions - {("fdcore", "0.1.0")} | {("fdcore", "9")}),
         SettingsError, "other versions", "instead of 9"),
    )  # fmt: skip
    for wrong, kind, key, value in cases:
        error = _answer(wrong, None)
        assert (type(error), error.key) == (kind, key), error
        assert value in str(error)


class Ray:
    """What `RayWorkers` needs of Ray; tasks run at once."""

    class exceptions:
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    def __init__(self, outcome: object) -> None:
        self._outcome = outcome

    def remote(self, **_needs: object):
        return lambda _function: SimpleNamespace(remote=self._start)

    def _start(self, *_: object):
        future: Future[object] = Future()
        if isinstance(self._outcome, self.exceptions.RayError | MemoryError):
            future.set_exception(self._outcome)
        else:
            future.set_result(self._outcome)
        return SimpleNamespace(future=lambda: future)

    def get(self, started):
        return started.future().result()

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 5.0, "memory": 1e9}


@pytest.mark.parametrize(
    ("outcome", "raised"),
    [
        (SuspectError("It answers nonsense.", key="unknown class"), SuspectError),
        (Ray.exceptions.RayError("The node died.\nIts log ends with:"), LostError),
        (Ray.exceptions.RayTaskError("a bug"), Ray.exceptions.RayTaskError),
    ],
)
def test_a_lost_worker_an_error_and_a_bug_are_told_apart(opening, outcome, raised):
    """Only what is lost may be sent again."""
    workers = RayWorkers(Ray(outcome), "CPU", opening)
    with pytest.raises(raised) as caught:
        workers.submit(None).result()
    assert "\n" not in str(caught.value)


def test_a_cluster_has_as_many_workers_as_cores_or_gpus(opening):
    """What the suspect's device asks for."""
    assert RayWorkers(Ray(b""), "CPU", opening).size() == 5
    assert RayWorkers(Ray(b""), "GPU", opening).size() == 0
    assert RayWorkers(Ray(b"answers"), "CPU", opening).submit(None).result() == b"answers"


def test_nothing_is_counted_before_a_worker_has_opened_the_suspect(opening):
    """What it says about the file is raised as it is; where every worker dies, memory is named."""
    RayWorkers(Ray(b""), "CPU", opening).require_one()
    with raises(SuspectError, "refused"):
        RayWorkers(Ray(SuspectError("No.", key="refused")), "CPU", opening).require_one()
    with raises(SuspectError, "no worker", "The node died.", "memory"):
        RayWorkers(Ray(Ray.exceptions.RayError("The node died.")), "CPU", opening).require_one()


def test_a_missing_ray_is_named_with_the_command(monkeypatch, tmp_path, capsys):
    """And nothing was sent."""
    from PIL import Image

    monkeypatch.setitem(sys.modules, "ray", None)
    for number in range(2):
        path = tmp_path / "leaves" / demo.LEAVES[number].wnid / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(demo.draw_picture(demo.LEAVES[number], number=1)).save(path)
    command = ["investigate", str(demo.SUSPECT_PATH), "--corpus", str(tmp_path / "leaves"), "--engine", "ray",
               "--out", str(tmp_path / "case"), "--cache", str(tmp_path / "cache")]  # fmt: skip
    assert main(command) == SettingsError.exit_code
    assert "pip install -r requirements-ray.txt" in capsys.readouterr().err
    assert not (tmp_path / "case").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "no-such-host.invalid:6379"])
def test_an_address_where_nothing_answers_is_said_at_once(monkeypatch, suspect, address):
    """Ray itself would try again for minutes."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    with (
        raises(SettingsError, "no cluster", address, "ray start --head"),
        ray_workers.ray_workers(address, demo.SUSPECT_PATH, "", {}, suspect),
    ):
        pass


def test_a_job_is_scored_on_the_cluster_that_the_server_names(monkeypatch, tmp_path):
    """And not on the server itself where the cluster is not there."""
    case = Case.open(case_factory.planned(tmp_path / "case"))
    monkeypatch.setenv("FDCORE_CORPORA", str(case_factory.world().corpora))
    monkeypatch.setenv("FDCORE_RAY", "10.0.0.1:6379")
    monkeypatch.setitem(sys.modules, "ray", None)
    with raises(SettingsError, "package missing"):
        KINDS["investigate"].run(case.folder, {"cache": str(case_factory.world().cache)}, silent)
    assert n_sent(case) == 0


def test_a_case_of_a_cluster_is_the_case_of_one_process(monkeypatch, tmp_path):
    """Ledger, tables and report, with what Ray does left out: the log counts the shards."""

    class InTurn:
        def __init__(self, evidence: Path, options: dict[str, object]) -> None:
            self._suspect = open_suspect(evidence, **options)

        def size(self) -> int:
            return 2

        def submit(self, task: Task) -> "Future[bytes]":
            landed: Future[bytes] = Future()
            landed.set_result(answer_shard(self._suspect, task))
            return landed

    @contextmanager
    def workers(_address, evidence, _sha256, options, _suspect):
        yield InTurn(evidence, options)

    monkeypatch.setattr("fdcore.work.cluster.ray_workers", workers)
    case = Case.open(case_factory.planned(tmp_path / "case"))
    run_plan(case.folder, cache=case_factory.world().cache, cluster=Cluster(shards=str(tmp_path / "shards")))
    straight = Case.open(case_factory.finished(tmp_path / "straight"))
    ours, theirs = (Ledger.open(one.path("ledger")) for one in (case, straight))
    assert np.array_equal(ours.answers, theirs.answers)
    for name in ("scores.csv", "scores.json", "selection.csv", "images.csv"):
        assert case.path(name).read_bytes() == straight.path(name).read_bytes()
    [entry] = [entry["details"] for entry in case.audit() if entry["event"] == "shards answered"]
    assert (entry["finished"], entry["n_lost"], ours.n_sent) == (True, 0, 320)
    assert entry["n_shards"] == sum(entry["runtimes"].values()) >= 4
    assert check_case(case).intact


def test_options_of_a_cluster_need_one(capsys):
    """An address alone would otherwise be ignored."""
    command = ["investigate", "a.pth", "--corpus", "leaves", "--address", "10.0.0.1:6379", "--shards", "/shared"]
    assert main(command) == SettingsError.exit_code
    assert "--address and --shards need --engine ray" in capsys.readouterr().err


def test_only_a_file_can_be_handed_to_workers(tmp_path):
    """A function lives in one process; a service is asked at its own rate."""
    empty = Case.create(tmp_path / "empty")
    with raises(SettingsError, "no file for workers"):
        require_shared(empty)
    (tmp_path / "suspect.toml").write_text("url = 'http://127.0.0.1'")
    empty.take_evidence(tmp_path / "suspect.toml")
    with raises(SettingsError, "no file for workers", "rate"):
        require_shared(empty)
    assert Cluster.of(empty, {"FDCORE_RAY": "10.0.0.1:6379"}) is None  # scored by the server itself


def test_each_case_has_a_folder_of_shards_of_its_own(tmp_path, suspect):
    """Wherever it lies, so that no case takes answers that another has counted."""
    cases = [Case.create(tmp_path / name) for name in ("a", "b")]
    places = [Cluster(shards="s3://b/x/").place(case, suspect, tmp_path) for case in cases]
    assert len({*places}) == 2
    assert all(place.startswith("s3://b/x/") and "//" not in place[5:] for place in places)
    assert Cluster().place(cases[0], suspect, tmp_path).startswith(f"{tmp_path}/shards/")
