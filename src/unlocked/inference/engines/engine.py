"""What an engine is, and all engines by short name.

Importing this module imports none of them: a reader may have installed few.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unlocked.inference.engines.predictor import Predictor
from unlocked.lab.worker import resolve

HERE = "unlocked.inference.engines"


@dataclass(frozen=True)
class Recipe:
    """What a measurement has to know of an engine.

    Attributes
    ----------
    converter : str
        ``module:convert``. The module also has ``unsupported``, and both take `options`.
    packages : tuple of str
        What must be importable.
    exact : bool
        Whether its answers must be scikit-learn's to the bit.
    options : mapping
        Further arguments of the converter: device, backend and the like.
    """

    converter: str
    packages: tuple[str, ...] = ()
    exact: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def unsupported(self, model: Any) -> str | None:
        """Say why a fitted model cannot be converted here; None where it can.

        Answers are compared for models of one output, so that no engine is asked for more.
        """
        outputs = getattr(model, "n_outputs_", 1)
        if outputs > 1:
            return f"{type(model).__name__} with {outputs} outputs: one is supported"
        check = resolve(f"{self.converter.partition(':')[0]}:unsupported")
        reason: str | None = check(model, **self.options)
        return reason

    def convert(self, model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
        """Convert a fitted model that is supported; see :meth:`Engine.convert`."""
        found: Predictor = resolve(self.converter)(model, threads, folder, **self.options)
        return found


@dataclass(frozen=True)
class Engine:
    """A way to run a model that scikit-learn fitted.

    Attributes
    ----------
    name : str
        As tables show it.
    recipe : Recipe
    install : str
        The command that installs it.
    takes : str
        What it makes of the rows: its own type of numbers. All take float32 and float64.
    """

    name: str
    recipe: Recipe
    install: str = ""
    takes: str = "float32"

    def missing(self) -> str | None:
        """Say what is not here, with the command that mends it; None where all is.

        That a GPU may be there is not yet that PyTorch can use it.
        """
        absent = [package for package in self.recipe.packages if find_spec(package) is None]
        if absent:
            return f"not installed ({', '.join(absent)}): {self.install}"
        if self.recipe.options.get("device") == "cuda" and not _may_have_gpu():
            return "there is no NVIDIA GPU here"
        return None

    def unsupported(self, model: Any) -> str | None:
        """Say why the engine cannot run a fitted model here; None where it can."""
        return self.missing() or self.recipe.unsupported(model)

    def convert(self, model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
        """Convert a fitted model.

        Parameters
        ----------
        threads : int
            Threads of one prediction.
        folder : Path or None
            A folder for this model's conversions. An engine leaves there what is slow to make,
            and takes it from there.

        Raises
        ------
        ValueError
            Where the engine does not support the model, or is not installed.
        """
        if reason := self.unsupported(model):
            raise ValueError(f"{self.name}: {reason}")
        return self.recipe.convert(model, threads, folder)


def _may_have_gpu() -> bool:
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def _hummingbird(name: str, takes: str = "float32", **options: str) -> Engine:
    return Engine(
        name,
        Recipe(f"{HERE}.hummingbird:convert", ("torch", "onnx", "hummingbird"), options=options),
        "pip install -r requirements.txt, then pip install --no-deps -r requirements-nodeps.txt",
        takes,
    )


ENGINES: dict[str, Engine] = {
    "sklearn": Engine(
        "scikit-learn",
        Recipe(f"{HERE}.scikit_learn:convert", exact=True),
        takes="float32 or float64",
    ),
    "sklearn-unchecked": Engine(
        "scikit-learn, unchecked",
        Recipe(f"{HERE}.scikit_learn:convert", exact=True, options={"validate": False}),
        takes="float32 or float64; a forest float32",
    ),
    "onnxruntime": Engine(
        "ONNX Runtime",
        Recipe(f"{HERE}.onnx_runtime:convert", ("onnxruntime", "skl2onnx")),
        "pip install onnxruntime skl2onnx",
        "float32; for naive Bayes float64",
    ),
    "hummingbird-torch": _hummingbird("Hummingbird"),
    "hummingbird-jit": _hummingbird("Hummingbird, traced", backend="torch.jit"),
    "hummingbird-float64": _hummingbird(
        "Hummingbird, float64 trees", "float32, compared in float64", precision="float64"
    ),
    "hummingbird-cuda": _hummingbird("Hummingbird on a GPU", device="cuda"),
    "hummingbird-cuda-float64": _hummingbird(
        "Hummingbird on a GPU, float64 trees",
        "float32, compared in float64",
        device="cuda",
        precision="float64",
    ),
    "treelite": Engine(
        "treelite (GTIL)",
        Recipe(f"{HERE}.treelite:convert", ("treelite",)),
        "pip install treelite",
        "float64",
    ),
    "tl2cgen": Engine(
        "tl2cgen",
        Recipe(f"{HERE}.tl2cgen:convert", ("treelite", "tl2cgen")),
        "pip install treelite tl2cgen",
        "float64",
    ),
    "river": Engine(
        "river",
        Recipe(f"{HERE}.river:convert", ("river",)),
        "pip install river",
        "a dictionary for each record",
    ),
    "packed": Engine("packed forest (ours)", Recipe(f"{HERE}.packed:convert", exact=True)),
    "openvino": Engine(
        "OpenVINO",
        Recipe(f"{HERE}.openvino:convert", ("openvino", "torch", "onnx", "hummingbird")),
        "pip install openvino",
    ),
    "sklearnex": Engine(
        "scikit-learn-intelex",
        Recipe(f"{HERE}.sklearnex:convert", ("sklearnex",)),
        "pip install scikit-learn-intelex",
        "float32 or float64",
    ),
    "lleaves": Engine(
        "lleaves",
        Recipe(f"{HERE}.lleaves:convert", ("lightgbm", "lleaves")),
        "pip install lightgbm lleaves",
        "float64",
    ),
    "ydf": Engine("ydf", Recipe(f"{HERE}.ydf:convert", ("ydf",)), "pip install ydf"),
}


def families() -> dict[str, dict[str, Recipe]]:
    """Recipes of the engines that are here, by name of the converter's module and short name."""
    found: dict[str, dict[str, Recipe]] = {}
    for short, each in ENGINES.items():
        if each.missing() is None:
            module = each.recipe.converter.partition(":")[0].rpartition(".")[2]
            found.setdefault(module, {})[short] = each.recipe
    return found


def engine(short: str) -> Engine:
    """Look an engine up.

    Raises
    ------
    ValueError
        For a name that is none of ``ENGINES``.
    """
    if short not in ENGINES:
        raise ValueError(f"no engine {short!r}: choose one of {', '.join(ENGINES)}")
    return ENGINES[short]
