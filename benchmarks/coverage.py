"""How often does a 95 % interval hold for an answer that was chosen? Simulated, for several ways to state L.

    python benchmarks/coverage.py

Each image has a chance of its own (beta, correlation of its views RHO). One of `leaves` is the answer: the one that
scores best. It is stated by all images that chose ("all"), by the other half ("split"), or by each half for the choice
of the other ("cross"), or by each quarter for the choice of the rest ("fourths"). Results: coverage.csv; the last rows
are the standard error of transformation invariance by images and views.
"""

import numpy as np
import numpy.typing as npt
from record import save

from fdcore.method.scores import wilson_interval

N_RUNS, N_VIEWS, RHO = 4_000, 2, 0.5
Floats = npt.NDArray[np.float64]


def main() -> None:
    """Simulate and write the table."""
    rng = np.random.default_rng(0)
    rows = [row(rng, shape, n, n_images) for n_images in (12, 48) for shape in ("equal", "unequal", "clear")
            for n in (5, 20, 100)]  # fmt: skip
    rows += [{"shape": f"invariance, {n} images x {views} views", "standard error": round(invariance(rng, n, views), 3)}
             for n, views in ((50, 2), (5, 8))]  # fmt: skip
    fields = dict.fromkeys(field for one in rows for field in one)
    save(__file__, [{field: one.get(field, "") for field in fields} for one in rows])


def row(rng: np.random.Generator, shape: str, n_leaves: int, n_images: int) -> dict[str, object]:
    """How often each way holds, and how much too high its L is."""
    held: dict[str, list[tuple[bool, float]]] = {}
    for _ in range(N_RUNS):
        truth = np.full(n_leaves, 0.6)
        if shape == "unequal":
            truth = rng.uniform(0.2, 0.7, n_leaves)
        elif shape == "clear":
            truth = np.r_[0.8, np.full(n_leaves - 1, 0.3)]
        weight = (1 - RHO) / RHO
        chance = rng.beta(truth[:, None] * weight, (1 - truth[:, None]) * weight, (n_leaves, n_images))
        fourths = rng.binomial(N_VIEWS, chance).reshape(n_leaves, 4, -1).sum(axis=2)
        total, one, other = fourths.sum(axis=1), fourths[:, :2].sum(axis=1), fourths[:, 2:].sum(axis=1)
        best, first, second = total.argmax(), one.argmax(), other.argmax()
        n = n_images * N_VIEWS
        parts = sum(int(fourths[(total - fourths[:, i]).argmax(), i]) for i in range(4))
        for way, hits, asked, leaf in (
            ("all", total[best], n, best), ("split", other[first], n // 2, first),
            ("cross", other[first] + one[second], n, best), ("fourths", parts, n, best),
        ):  # fmt: skip
            low, high = wilson_interval(hits, asked, design_effect=1 + (N_VIEWS - 1) * RHO)
            held.setdefault(way, []).append((bool(low <= truth[leaf] <= high), hits / asked - truth[leaf]))
    result: dict[str, object] = {"shape": shape, "leaves": n_leaves, "images": n_images}
    for way, seen in held.items():
        result |= {f"{way} holds": round(float(np.mean([s[0] for s in seen])), 3),
                   f"{way} excess": round(float(np.mean([s[1] for s in seen])), 3)}  # fmt: skip
    return result


def invariance(rng: np.random.Generator, n_images: int, n_views: int) -> float:
    """The standard error of the share of transformed views that stay in the class; views correlate by 0.4."""
    chance = rng.beta(0.9, 0.6, (N_RUNS, n_images))
    inside = rng.random((N_RUNS, n_images, n_views)) < chance[..., None]
    itself, transformed = inside[..., 0], inside[..., 1:]
    stay, asked = (transformed & itself[..., None]).sum(axis=(1, 2)), itself.sum(axis=1) * (n_views - 1)
    return float((stay[asked > 0] / asked[asked > 0]).std())


if __name__ == "__main__":
    main()
