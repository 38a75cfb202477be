"""The catalogue of the GIL chapter: calls of NumPy, SciPy, scikit-learn and Python itself.

Every entry names a real function; what it is called with is built here, in the measuring process.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 2018


@dataclass(frozen=True)
class Subject:
    """A callable to probe.

    Attributes
    ----------
    label : str
        How a table calls it.
    target : str
        ``module:function``; ``module:Class.method`` with the instance as first argument works too.
    arguments : dict or list
        Literal keyword or positional arguments.
    inputs : str or None
        ``module:function`` that builds further arguments: a dict or a list.
    input_arguments : dict
        Literal keyword arguments of `inputs`.
    group : str
        Subjects of one group share their processes; without a group each has its own.
    numpy_claim : bool
        Whether "NumPy's functions release the GIL" speaks of it.
    """

    label: str
    target: str
    arguments: dict[str, Any] | list[Any] = field(default_factory=dict)
    inputs: str | None = None
    input_arguments: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    numpy_claim: bool = False


def normal(shapes: list[Any]) -> list[NDArray[np.float64]]:
    """Arrays of standard normal numbers, one a shape."""
    rng = np.random.default_rng(SEED)
    return [rng.standard_normal(shape) for shape in shapes]


def legacy_generator() -> list[Any]:
    return [np.random.RandomState(SEED)]


def generator() -> list[Any]:
    return [np.random.default_rng(SEED)]


def generator_and_array(size: int) -> list[Any]:
    return [np.random.default_rng(SEED), np.arange(size)]


def whole_numbers(size: int, high: int) -> list[Any]:
    return [np.random.default_rng(SEED).integers(high, size=size)]


def array_and_index(size: int) -> list[Any]:
    rng = np.random.default_rng(SEED)
    return [rng.standard_normal(size), rng.integers(size, size=size)]


def sorted_and_needles(size: int) -> list[Any]:
    haystack, needles = normal([size, size])
    return [np.sort(haystack), needles]


def objects(size: int) -> list[Any]:
    return [np.arange(size).astype(object), np.arange(size).astype(object)]


def floats(size: int) -> list[Any]:
    return [normal([size])[0].tolist()]


def record(size: int) -> list[Any]:
    return [{"values": normal([size])[0].tolist(), "names": [str(i) for i in range(size)]}]


def data(size: int) -> list[Any]:
    return [np.random.default_rng(SEED).integers(64, size=size, dtype=np.uint8).tobytes()]


def filter_and_noise(
    num_steps: int, dt: float = 0.1, tau: float = 1, sigma: float = 2
) -> list[Any]:
    """Coefficients that make a filter of the Ornstein-Uhlenbeck recurrence, and its noise."""
    relax = np.exp(-dt / tau)
    diffuse = sigma * np.sqrt(1 - relax**2)
    return [[diffuse], [1, -relax], *normal([num_steps])]


def linear_system(size: int) -> list[Any]:
    matrix, vector = normal([[size, size], size])
    return [matrix + size * np.eye(size), vector]


def sparse_and_vector(size: int, per_row: int) -> list[Any]:
    from scipy import sparse

    matrix = sparse.random_array(
        (size, size), density=per_row / size, format="csr", rng=np.random.default_rng(SEED)
    )
    return [matrix, *normal([size])]


def valley(dimensions: int) -> list[Any]:
    from scipy.optimize import rosen

    return [rosen, np.zeros(dimensions)]


def fitted(model: str, rows: int, columns: int = 10, **parameters: Any) -> list[Any]:
    """A scikit-learn model, named ``module:Class``, fitted to two classes; and rows to predict."""
    module, _, name = model.partition(":")
    training, predicted = normal([[500, columns], [rows, columns]])
    classes = (training[:, 0] + training[:, 1] > 0).astype(int)
    estimator = getattr(importlib.import_module(module), name)(**parameters)
    return [estimator.fit(training, classes), predicted]


def _subjects(group: str, *rows: tuple[str, str, str, dict[str, Any], list[Any]]) -> list[Subject]:
    return [
        Subject(
            label=label,
            target=target,
            arguments=arguments,
            inputs=f"{__name__}:{build}" if build else None,
            input_arguments=input_arguments,
            group=group,
            numpy_claim=group == "NumPy",
        )
        for label, target, build, input_arguments, arguments in rows
    ]


def _predictor(
    label: str, model: str, rows: int, method: str = "predict", **parameters: Any
) -> tuple[str, str, str, dict[str, Any], list[Any]]:
    return label, f"{model}.{method}", "fitted", {"model": model, "rows": rows, **parameters}, []


MILLION = 1_000_000

CALLS = [
    *_subjects(
        "NumPy",
        ("RandomState.randn", "numpy.random:RandomState.randn", "legacy_generator", {}, [100_000]),
        (
            "Generator.standard_normal",
            "numpy.random:Generator.standard_normal",
            "generator",
            {},
            [200_000],
        ),
        (
            "Generator.shuffle",
            "numpy.random:Generator.shuffle",
            "generator_and_array",
            {"size": 100_000},
            [],
        ),
        ("add, 1 000 000 numbers", "numpy:add", "normal", {"shapes": [MILLION, MILLION]}, []),
        ("add, 100 numbers", "numpy:add", "normal", {"shapes": [100, 100]}, []),
        ("add, Python objects", "numpy:add", "objects", {"size": 50_000}, []),
        ("exp", "numpy:exp", "normal", {"shapes": [300_000]}, []),
        ("matmul, 300 × 300", "numpy:matmul", "normal", {"shapes": [[300, 300]] * 2}, []),
        ("sort", "numpy:sort", "normal", {"shapes": [200_000]}, []),
        ("unique", "numpy:unique", "whole_numbers", {"size": 200_000, "high": 1000}, []),
        ("searchsorted", "numpy:searchsorted", "sorted_and_needles", {"size": 30_000}, []),
        ("array[index]", "operator:getitem", "array_and_index", {"size": 500_000}, []),
        ("bincount", "numpy:bincount", "whole_numbers", {"size": MILLION, "high": 1000}, []),
        ("array(list)", "numpy:array", "floats", {"size": 100_000}, []),
    ),
    *_subjects(
        "SciPy",
        ("signal.lfilter", "scipy.signal:lfilter", "filter_and_noise", {"num_steps": 300_000}, []),
        ("fft.fft", "scipy.fft:fft", "normal", {"shapes": [2**16]}, []),
        ("linalg.solve", "scipy.linalg:solve", "linear_system", {"size": 300}, []),
        (
            "sparse matrix @ vector",
            "operator:matmul",
            "sparse_and_vector",
            {"size": 30_000, "per_row": 30},
            [],
        ),
        ("optimize.minimize", "scipy.optimize:minimize", "valley", {"dimensions": 2}, []),
    ),
    *_subjects(
        "scikit-learn",
        _predictor(
            "RandomForest.predict",
            "sklearn.ensemble:RandomForestClassifier",
            1000,
            n_estimators=50,
            max_depth=8,
            random_state=SEED,
        ),
        _predictor(
            "HistGradientBoosting.predict",
            "sklearn.ensemble:HistGradientBoostingClassifier",
            2000,
            max_iter=50,
        ),
        _predictor(
            "LogisticRegression.predict", "sklearn.linear_model:LogisticRegression", 100_000
        ),
        _predictor("GaussianNB.predict", "sklearn.naive_bayes:GaussianNB", 10_000),
        _predictor(
            "KNeighbors.kneighbors",
            "sklearn.neighbors:KNeighborsClassifier",
            300,
            method="kneighbors",
        ),
        _predictor(
            "StandardScaler.transform",
            "sklearn.preprocessing:StandardScaler",
            100_000,
            method="transform",
        ),
    ),
    *_subjects(
        "Python",
        ("loop", "unlocked.gil_worker:python", "", {}, []),
        ("sorted(list)", "builtins:sorted", "floats", {"size": 30_000}, []),
        ("json.dumps", "json:dumps", "record", {"size": 10_000}, []),
        ("hashlib.sha256", "hashlib:sha256", "data", {"size": 4 * MILLION}, []),
        ("zlib.compress", "zlib:compress", "data", {"size": 200_000}, []),
        ("time.sleep", "time:sleep", "", {}, [0.002]),
    ),
]
