"""What an engine is, and all engines by short name.

Importing this module imports none of them: a reader may have installed few.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unlocked.inference.engines.predictor import Predictor
from unlocked.lab.worker import resolve

HERE = "unlocked.inference.engines"


@dataclass(frozen=True)
class Engine:
    """A way to run a model that scikit-learn fitted.

    Attributes
    ----------
    name : str
        As tables show it.
    converter : str
        ``module:convert``. The module also has ``unsupported``, and both take `options`.
    packages : tuple of str
        What must be importable.
    install : str
        The command that installs it.
    takes : str
        What it makes of the rows: its own type of numbers. All take float32 and float64.
    exact : bool
        Whether its answers must be scikit-learn's to the bit.
    options : mapping
        Further arguments of the converter: device, backend and the like.
    """

    name: str
    converter: str
    packages: tuple[str, ...] = ()
    install: str = ""
    takes: str = "float32"
    exact: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def missing(self) -> str | None:
        """Say what is not installed, with the command that mends it; None where all is there."""
        absent = [package for package in self.packages if find_spec(package) is None]
        if absent:
            return f"not installed ({', '.join(absent)}): {self.install}"
        return None

    def unsupported(self, model: Any) -> str | None:
        """Say why the engine cannot run a fitted model here; None where it can."""
        check = resolve(f"{self.converter.partition(':')[0]}:unsupported")
        reason: str | None = self.missing() or check(model, **self.options)
        return reason

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
        found: Predictor = resolve(self.converter)(model, threads, folder, **self.options)
        return found


HUMMINGBIRD = {
    "converter": f"{HERE}.hummingbird:convert",
    "packages": ("torch", "onnx", "hummingbird"),
    "install": "pip install torch onnx, then pip install --no-deps -r requirements-nodeps.txt",
}

ENGINES: dict[str, Engine] = {
    "sklearn": Engine(
        "scikit-learn", f"{HERE}.scikit_learn:convert", takes="float32 or float64", exact=True
    ),
    "sklearn-unchecked": Engine(
        "scikit-learn, unchecked",
        f"{HERE}.scikit_learn:convert",
        takes="float32 or float64",
        exact=True,
        options={"validate": False},
    ),
    "onnxruntime": Engine(
        "ONNX Runtime",
        f"{HERE}.onnx_runtime:convert",
        ("onnxruntime", "skl2onnx"),
        "pip install onnxruntime skl2onnx",
        takes="float32; float64 for naive Bayes",
    ),
    "hummingbird-torch": Engine("Hummingbird", **HUMMINGBIRD),  # type: ignore[arg-type]
    "hummingbird-jit": Engine(
        "Hummingbird, traced",
        **HUMMINGBIRD,  # type: ignore[arg-type]
        options={"backend": "torch.jit"},
    ),
    "hummingbird-float64": Engine(
        "Hummingbird, float64 trees",
        **HUMMINGBIRD,  # type: ignore[arg-type]
        takes="float32, compared in float64",
        options={"precision": "float64"},
    ),
    "hummingbird-cuda": Engine(
        "Hummingbird on a GPU",
        **HUMMINGBIRD,  # type: ignore[arg-type]
        options={"device": "cuda"},
    ),
    "treelite": Engine(
        "treelite (GTIL)",
        f"{HERE}.treelite:convert",
        ("treelite",),
        "pip install treelite",
        takes="float64",
    ),
    "tl2cgen": Engine(
        "tl2cgen",
        f"{HERE}.tl2cgen:convert",
        ("treelite", "tl2cgen"),
        "pip install treelite tl2cgen",
        takes="float64",
    ),
    "river": Engine(
        "river",
        f"{HERE}.river:convert",
        ("river",),
        "pip install river",
        takes="one dictionary a record",
    ),
    "packed": Engine("packed forest (ours)", f"{HERE}.packed:convert", exact=True),
    "openvino": Engine(
        "OpenVINO",
        f"{HERE}.openvino:convert",
        ("openvino", "torch", "onnx", "hummingbird"),
        "pip install openvino",
    ),
    "sklearnex": Engine(
        "scikit-learn-intelex",
        f"{HERE}.sklearnex:convert",
        ("sklearnex",),
        "pip install scikit-learn-intelex",
        takes="float32 or float64",
    ),
    "lleaves": Engine(
        "lleaves",
        f"{HERE}.lleaves:convert",
        ("lightgbm", "lleaves"),
        "pip install lightgbm lleaves",
        takes="float64",
    ),
    "ydf": Engine("ydf", f"{HERE}.ydf:convert", ("ydf",), "pip install ydf"),
}


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
