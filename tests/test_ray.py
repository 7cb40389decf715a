"""A case scored on a real Ray cluster of several nodes, whatever happens to them; skips where Ray is not installed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fdcore import demo
from fdcore.answers.ledger import Ledger
from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, open_planned_hierarchy
from fdcore.progress import silent
from fdcore.work.cluster import Cluster
from fdcore.work.investigate import investigate, open_planned_suspect

ray = pytest.importorskip("ray", reason="Ray is not installed (requirements-ray.txt)")
import psutil  # noqa: E402 - Ray brings it
from ray.cluster_utils import Cluster as Nodes  # noqa: E402 - after the skip

RESULTS = ("scores.csv", "selection.csv", "images.csv")
LEAVES, PER_LEAF, N_VIEWS = demo.LEAVES[24:42], 10, 60
N_SHARD = len(LEAVES) * PER_LEAF  # fewer pictures than a batch, so that each view is a shard
N_QUERIES = N_SHARD * N_VIEWS

pytestmark = pytest.mark.nightly


class World:
    """Pictures, a case of one process, and cases of a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.corpus = folder, folder / "leaves"
        for leaf in LEAVES:
            (self.corpus / leaf.wnid).mkdir(parents=True)
            for number in range(PER_LEAF):
                picture = Image.fromarray(demo.draw_picture(leaf, number=number))
                picture.save(self.corpus / leaf.wnid / f"{number}.png")
        self.straight = self.run("straight", None)

    def run(self, name: str, cluster: Cluster | None, progress: Callable[[str, int, int], None] = silent) -> Case:
        plan = Plan(corpora=(str(self.corpus),), settings=Settings(n_views=N_VIEWS))
        investigate(
            self.folder / name, demo.SUSPECT_PATH, plan.corpora, hierarchy=open_planned_hierarchy(plan),
            open_suspect=open_planned_suspect(plan, silent), cache=self.folder / "cache", settings=plan.settings,
            plan=plan, cluster=cluster, progress=progress,
        )  # fmt: skip
        return Case.open(self.folder / name)

    def require_same(self, case: Case) -> None:
        """Row for row: every answer of the ledger, and every table."""
        ledgers = [Ledger.open(one.path("ledger")) for one in (case, self.straight)]
        assert np.array_equal(ledgers[0].image_ids, ledgers[1].image_ids)
        assert np.array_equal(ledgers[0].answers, ledgers[1].answers)
        for name in RESULTS:
            assert case.path(name).read_bytes() == self.straight.path(name).read_bytes(), name
        assert list(case.audit())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A head without work, to which tests add nodes of one core."""
    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an S3 server on this machine, with a bucket; nodes that start afterwards find it."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="s3fs is not installed (requirements-remote.txt)")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    client = boto3.client("s3")
    client.create_bucket(Bucket="shards")
    yield client
    server.stop()


def n_sent(case: Case) -> int:
    return Ledger.open(case.path("ledger")).n_sent


def answered(case: Case) -> dict[str, object]:
    return [entry["details"] for entry in case.audit() if entry["event"] == "shards answered"][-1]


def below(process: int) -> list[psutil.Process]:
    """A process's descendants."""
    return psutil.Process(process).children(recursive=True)


def cells(processes: Iterable[psutil.Process]) -> int:
    """How many of them are nurseries of cells."""
    count = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            count += "fdcore.suspect.cell.nursery" in process.cmdline()
    return count


def test_two_nodes_give_the_case_of_one_process(world, nodes):
    """Every answer, table and count is the same, and nothing is left in the folder of shards."""
    nodes.add_node(num_cpus=1)
    nodes.add_node(num_cpus=1)
    case = world.run("two", Cluster(nodes.address))
    world.require_same(case)
    assert n_sent(case) == N_QUERIES
    assert answered(case) == {
        "finished": True, "n_shards": N_VIEWS, "n_found": 0, "n_lost": 0, "runtimes": answered(case)["runtimes"],
    }  # fmt: skip
    assert not [path for path in (world.folder / "cache" / "shards").rglob("*") if path.is_file()]


def test_a_node_killed_in_the_middle_costs_one_shard(world, nodes):
    """The other node answers it again; that is counted, and the results are the same."""
    nodes.add_node(num_cpus=1)
    victim = nodes.add_node(num_cpus=1)
    raylet = victim.all_processes["raylet"][0].process.pid
    killed: list[int] = []

    def kill(stage: str, done: int, _total: int) -> None:
        if stage == "Querying the suspect" and not killed and cells(below(raylet)):
            killed.append(done)
            own = below(raylet)
            for signal_of in (psutil.Process.suspend, psutil.Process.kill):  # no shard is just being handed over
                for process in own:
                    with suppress(psutil.NoSuchProcess):
                        signal_of(process)
                time.sleep(0.5)
            nodes.remove_node(victim, allow_graceful=False)

    case = world.run("killed", Cluster(nodes.address), kill)
    assert 0 < killed[0] < N_QUERIES
    world.require_same(case)
    assert answered(case)["n_lost"] == 1
    assert n_sent(case) == N_QUERIES + N_SHARD


def test_a_node_added_in_the_middle_takes_part(world, nodes):
    """Its core gets shards as soon as it is there."""
    nodes.add_node(num_cpus=1)
    added: list[str] = []
    was_busy: list[bool] = []

    def add(stage: str, done: int, _total: int) -> None:
        if stage != "Querying the suspect":
            return
        if not added:
            added.append(nodes.add_node(num_cpus=1).node_id)
        free = ray._private.state.available_resources_per_node().get(added[0])
        was_busy.append(free is not None and free.get("CPU", 0) == 0)

    case = world.run("added", Cluster(nodes.address), add)
    world.require_same(case)
    assert any(was_busy)
    assert n_sent(case) == N_QUERIES


def test_a_driver_killed_and_started_again_takes_the_finished_shards(world, nodes):
    """What workers had finished is not sent again, and their cells end with the driver."""
    nodes.add_node(num_cpus=1)
    nodes.add_node(num_cpus=1)
    before, case, command = cells(psutil.process_iter()), world.folder / "again", _command(world, nodes)
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while n_answered(case) < N_QUERIES // 4:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver.send_signal(signal.SIGSTOP)  # the workers finish what they have, and nobody fetches it
    shards = world.folder / "cache" / "shards"
    while not [*shards.glob("*/*.shard")]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    while cells(psutil.process_iter()) > before:
        assert time.monotonic() < deadline, "a cell outlives its driver"
        time.sleep(0.2)
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False, timeout=300).returncode == 0
    world.require_same(Case.open(case))
    assert answered(Case.open(case))["n_found"] >= 1
    assert N_QUERIES <= n_sent(Case.open(case)) <= N_QUERIES + 3 * N_SHARD  # at most what was out, one waiting
    assert not [*shards.glob("*/*.shard")]


def test_finished_shards_may_lie_on_s3(world, s3, nodes):
    """Workers write them there, and the driver removes them."""
    nodes.add_node(num_cpus=1)
    seen: set[str] = set()

    def look(_stage: str, _done: int, _total: int) -> None:
        seen.update(one["Key"] for one in s3.list_objects_v2(Bucket="shards").get("Contents", ()))

    world.require_same(world.run("s3", Cluster(nodes.address, "s3://shards/of cases"), look))
    assert seen
    assert all(key.startswith("of cases/") and key.endswith(".shard") for key in seen)
    assert "Contents" not in s3.list_objects_v2(Bucket="shards")


def n_answered(case: Path) -> int:
    return Ledger.open(case / "ledger").n_answered if (case / "ledger" / "ledger.json").exists() else 0


def _command(world: World, nodes: Nodes) -> list[str]:
    return [
        sys.executable, "-m", "fdcore", "investigate", str(demo.SUSPECT_PATH), "--corpus", str(world.corpus),
        "--views", str(N_VIEWS), "--out", str(world.folder / "again"), "--cache", str(world.folder / "cache"),
        "--engine", "ray", "--address", nodes.address,
    ]  # fmt: skip
