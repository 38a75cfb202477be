"""Claims HB-01 to HB-05 on one machine: scikit-learn on one core, Hummingbird there and on a GPU.

``python -m unlocked.inference.engines.gpu OUT_DIR --device cuda`` measures the source's forest and
leaves records in the form of ``data/reference``. It needs NumPy, SciPy, scikit-learn, PyTorch,
onnx, Hummingbird with its own needs, and the lab's: joblib, psutil, py-cpuinfo, pydantic, PyYAML,
threadpoolctl, and the package's compiled modules.
"""

import argparse
import json
from math import inf
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from unlocked import machine
from unlocked.inference.engines import artefacts, hummingbird, packed, scikit_learn
from unlocked.inference.engines.equality import Agreement, Expected
from unlocked.inference.engines.source_forest import SIZE, Forest, first_rows, model
from unlocked.inference.engines.table import rows_in_words
from unlocked.inference.engines.timed import ONE_THREAD
from unlocked.lab.environment import compare_under
from unlocked.lab.timing import Candidate, Comparison, call, candidate
from unlocked.study.records import REFERENCE, Store

CHAPTER = "11-engines"
SKLEARN = "scikit-learn"
PACKED = "packed forest"


class Device(BaseModel):
    """What Hummingbird ran on, and how well it answered there.

    Attributes
    ----------
    device : str
        ``cpu`` or ``cuda``.
    name : str
        The processor, or the GPU as its driver names it.
    memory : int or None
        Bytes on the GPU.
    torch : str
        Version of PyTorch.
    cuda : str or None
        Version of CUDA that PyTorch was built with.
    agreement : dict of str to Agreement
        With all rows, by precision of the thresholds.
    """

    device: str
    name: str
    memory: int | None
    torch: str
    cuda: str | None
    agreement: dict[str, Agreement]

    @property
    def precision(self) -> str | None:
        """The precision to be timed: Hummingbird's default where its answers are equal."""
        equal = [name for name, agreement in self.agreement.items() if agreement.equal]
        return equal[0] if equal else None


def devices(forest: Forest, names: list[str]) -> dict[str, Device]:
    """Compare Hummingbird's answers to all rows with scikit-learn's, on every device."""
    import torch

    literals = forest.model_dump()
    fitted, rows = model(**literals), first_rows(forest.rows, **literals)
    expected = Expected(fitted, rows)
    folder = artefacts.FOLDER / "engines" / artefacts.digest(fitted)
    found = {}
    for name in names:
        agreement = {}
        for precision in ("float32", "float64"):
            engine = hummingbird.convert(fitted, 1, folder, device=name, precision=precision)
            agreement[precision] = expected.agreement(engine.answer(rows), engine.predict(rows))
        on_gpu = name != "cpu"
        found[name] = Device(
            device=name,
            name=torch.cuda.get_device_name() if on_gpu else machine.describe().cpu,
            memory=torch.cuda.get_device_properties(0).total_memory if on_gpu else None,
            torch=torch.__version__,
            cuda=torch.version.cuda,
            agreement=agreement,
        )
    return found


def label(engine: str, rows: int) -> str:
    """Name of a candidate: ``Hummingbird on cuda, 1 row``."""
    return f"{engine}, {rows_in_words(rows)}"


def hummingbird_on(device: str) -> str:
    """Name of Hummingbird on a device."""
    return f"Hummingbird on {device}"


def compiled(
    forest: Forest, precisions: dict[str, str], rows: list[int], processes: int, rounds: int
) -> Comparison:
    """Time scikit-learn and ours on one core and Hummingbird on devices, for these batches.

    Parameters
    ----------
    precisions : dict of str to str
        Precision of the thresholds by device, see ``Device.precision``.
    """
    literals = forest.model_dump()
    candidates = {}
    for count in rows:
        candidates[label(SKLEARN, count)] = _candidate(scikit_learn.convert, literals, count, {})
        candidates[label(PACKED, count)] = _candidate(packed.convert, literals, count, {})
        for device, precision in precisions.items():
            options = {"device": device, "precision": precision}
            candidates[label(hummingbird_on(device), count)] = _candidate(
                hummingbird.convert, literals, count, options
            )
    return compare_under(
        ONE_THREAD,
        candidates,
        call("unlocked.inference.engines.timed:inputs"),  # each candidate has its own
        reference=None,
        baseline=label(SKLEARN, min(rows)),
        processes=processes,
        rounds=rounds,
    )


def _candidate(convert: Any, forest: dict[str, int], count: int, options: Any) -> Candidate:
    return candidate(
        "unlocked.inference.engines.timed:answer",
        check="unlocked.inference.engines.timed:check_close",
        inputs=call(
            "unlocked.inference.engines.timed:inputs",
            converter=f"{convert.__module__}:convert",
            model=call("unlocked.inference.engines.source_forest:model", **forest).model_dump(),
            rows=call(
                "unlocked.inference.engines.source_forest:first_rows", count=count, **forest
            ).model_dump(),
            options=options,
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unlocked.inference.engines.gpu")
    parser.add_argument("out_dir", type=Path, help="a new folder for the records")
    parser.add_argument("--device", choices=("cuda", "cpu"), nargs="+", default=["cuda"])
    for name, value in SIZE.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for name in ("trees", "depth", "rows", "processes", "rounds"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} {getattr(given, name)}: at least 1 is needed")
    if given.features < 4:
        parser.error(f"--features {given.features}: make_classification needs at least 4")
    measure(given)


def measure(given: argparse.Namespace) -> None:
    """Measure what was asked for, say what was found, and leave the records."""
    forest = Forest(**{name: getattr(given, name) for name in Forest.model_fields})
    fitted = model(**forest.model_dump())
    print(f"fitted: {forest}", flush=True)
    for name in given.device:
        if reason := hummingbird.unsupported(fitted, device=name):
            raise SystemExit(f"not run: {reason}; --device cpu runs everywhere")
    store = Store(given.out_dir, CHAPTER)
    found = store.get("devices", devices, forest=forest, names=given.device)
    for name, device in found.items():
        print(f"{name}: {device}", flush=True)
    precisions = {name: device.precision for name, device in found.items() if device.precision}
    rows = sorted({1, forest.rows})
    timed = store.get(
        "compiled",
        compiled,
        forest=forest,
        precisions=precisions,
        rows=rows,
        processes=given.processes,
        rounds=given.rounds,
    )
    for count in rows:
        for name in [PACKED, *map(hummingbird_on, precisions)]:
            ratio = timed.speedup(label(name, count), over=label(SKLEARN, count))
            end = "" if ratio.high < inf else " (one process, no interval)"
            print(
                f"{name}, {count} rows: {ratio.estimate:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]"
                f"{end}"
            )
    about = {
        "machine": f"{found[given.device[-1]].name}, {machine.describe().summary}",
        "date": str(machine.now()["time"]).partition("T")[0],
        "profile": "-".join(given.device),
        "described": machine.describe().model_dump(mode="json"),
    }
    (given.out_dir / REFERENCE).write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    from unlocked.inference.engines.gpu import main  # records name functions of this module

    main()
