"""The store: one JSON file a measurement, keyed by what it was made of, reused while that holds."""

import atexit
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_type_hints

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from unlocked import machine
from unlocked.lab.intervals import Interval
from unlocked.machine import Machine
from unlocked.study import digests, verdicts
from unlocked.study.claims import load_claims
from unlocked.study.verdicts import Verdict

Result = TypeVar("Result")
REFERENCE = "reference.json"
"""A results folder that holds this file is committed reference data: it is only replayed."""

REFERENCES = Path(__file__).resolve().parents[3] / "data" / "reference"
AGAIN = "UNLOCKED_AGAIN"
JOURNAL = "UNLOCKED_JOURNAL"


class Store:
    """The measurements and verdicts of one chapter, below a root that all chapters share.

    Parameters
    ----------
    root : Path
        Folder with one folder a chapter.
    chapter : str
        The chapter that measures.
    mode : {"measure", "replay"}
        ``replay`` never measures and never writes: what is missing is an error.
    journal : bool
        Whether the runner is told what is read: False for a store beside the run's own.

    Attributes
    ----------
    cost : dict of str to float
        Seconds that measuring took, now or then, of every record read so far.
    """

    def __init__(
        self,
        root: Path,
        chapter: str,
        mode: Literal["measure", "replay"] = "measure",
        journal: bool = True,
    ) -> None:
        self.root = root
        self.journal = journal
        self.chapter = chapter
        self.mode = mode
        self.claims = load_claims()
        self.cost: dict[str, float] = {}
        self._made: set[str] = set()

    @classmethod
    def open(cls, results: str, chapter: str) -> Self:
        """The store in a folder; an empty name stands for a temporary one, removed at exit."""
        if not results:
            folder = tempfile.mkdtemp(prefix="unlocked-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            return cls(Path(folder), chapter)
        root = Path(results)
        return cls(root, chapter, "replay" if (root / REFERENCE).exists() else "measure")

    @property
    def about(self) -> dict[str, Any]:
        """Of committed reference data: machine, date, profile, description; empty for others."""
        path = self.root / REFERENCE
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @property
    def machine(self) -> Machine:
        """The machine whose measurements these are: this one, or the one that is replayed."""
        if self.mode == "measure":
            return machine.describe()
        return Machine.model_validate(self.about["described"])

    def get(self, name: str, function: Callable[..., Result], /, **arguments: Any) -> Result:
        """The result of ``function(**arguments)``, measured now or reused.

        A record is reused while its key holds: the call, the sources of our modules that it
        names and the function's own, the versions of what these import, and the machine.

        Parameters
        ----------
        name : str
            File name of the record, without folder and suffix.
        function : callable
            Importable; its annotated return type says how the result is read back.
        **arguments
            Literals, or models of them.

        Raises
        ------
        LookupError
            When replaying and there is no such record, or one of another call.
        """
        path = self.root / self.chapter / f"{name}.json"
        described = describe_call(function, arguments)
        record = self._read(path)
        if self.mode == "replay":
            record = self._replayed(record, path, described)
        elif record is None or record["key"] != key_of(described) or self._again(name):
            record = self._measure(name, path, described, function, arguments)
        else:
            self._note(path, record, reused=True, seconds=0.0)
        return TypeAdapter(get_type_hints(function)["return"]).validate_python(record["result"])

    def read(self, name: str, kind: type[Result]) -> Result | None:
        """A record that another chapter made, as ``chapter/name``; None where none holds."""
        path = self.root / f"{name}.json"
        record = self._read(path)
        if record is None or (self.mode == "measure" and not _holds(record)):
            return None
        self._note(path, record, reused=True, seconds=0.0)
        return TypeAdapter(kind).validate_python(record["result"])

    def judge(self, claim: str, ratio: Interval, cause: str | None = None) -> Verdict:
        """Judge a claim by a measured ratio, and keep the verdict for the pages that collect."""
        return self.keep(verdicts.judge(self.claims[claim], ratio, cause))

    def judge_fact(
        self, claim: str, holds: bool | None, value: str, cause: str | None = None
    ) -> Verdict:
        """Judge a claim about a fact, and keep the verdict."""
        return self.keep(verdicts.judge_fact(self.claims[claim], holds, value, cause))

    def keep(self, verdict: Verdict) -> Verdict:
        """Store a verdict beside the records that it rests on.

        Raises
        ------
        ValueError
            Where another chapter is the claim's judge.
        """
        if verdict.chapter != self.chapter:
            raise ValueError(
                f"{verdict.claim} is judged by {verdict.chapter}, not by {self.chapter}: "
                "see judge in data/claims.yml"
            )
        path = self._verdict_path(verdict.claim, self.chapter)
        sealed = _seal({"verdict": verdict.model_dump(mode="json")})
        if self.mode == "measure":
            _write(path, sealed)
            self._note(path, sealed, reused=False, seconds=0.0)
        _journal({"event": "verdict", "claim": verdict.claim, "verdict": verdict.verdict})
        return verdict

    def verdicts(self) -> dict[str, Verdict]:
        """All verdicts in the store, of all chapters, by claim."""
        found = {}
        for claim in self.claims.values():
            path = self._verdict_path(claim.id, claim.judge)
            record = self._read(path)
            if record is not None:
                self._note(path, record, reused=True, seconds=0.0)
                found[claim.id] = Verdict.model_validate(record["verdict"])
        return found

    def inventory(self) -> list[dict[str, Any]]:
        """All measurements in the store that still hold: name, created, seconds, environment."""
        found = []
        for path in sorted(self.root.glob("*/*.json")):
            record = self._read(path)
            if record is None or "key" not in record:
                continue
            if self.mode == "replay" or _holds(record):
                self._note(path, record, reused=True, seconds=0.0)
                wanted = ("name", "created", "seconds", "environment")
                found.append({field: record[field] for field in wanted})
        return found

    def _verdict_path(self, claim: str, chapter: str) -> Path:
        return self.root / chapter / f"{claim}.verdict.json"

    def _again(self, name: str) -> bool:
        return bool(os.environ.get(AGAIN)) and name not in self._made

    def _measure(
        self,
        name: str,
        path: Path,
        described: dict[str, Any],
        function: Callable[..., Any],
        arguments: dict[str, Any],
    ) -> dict[str, Any]:
        key = key_of(described)  # of the sources as they were before measuring
        start = time.perf_counter()
        result = function(**arguments)
        seconds = time.perf_counter() - start
        kind: Any = get_type_hints(function)["return"]
        record = _seal(
            {
                "name": f"{self.chapter}/{name}",
                "call": described,
                "key": key,
                "result": TypeAdapter(kind).dump_python(result, mode="json"),
                "environment": _environment(described),
                "created": machine.now()["time"],
                "seconds": seconds,
            }
        )
        _write(path, record)
        self._made.add(name)
        self._note(path, record, reused=False, seconds=seconds)
        return record

    def _replayed(
        self, record: dict[str, Any] | None, path: Path, described: dict[str, Any]
    ) -> dict[str, Any]:
        if record is None:
            raise LookupError(f"{self._relative(path)} is not in the reference {self.root.name}")
        if record["call"] != described:
            raise LookupError(
                f"{self._relative(path)} in the reference {self.root.name} was made by another "
                f"call than the chapter's: measure the reference anew"
            )
        self._note(path, record, reused=True, seconds=0.0)
        return record

    def _read(self, path: Path) -> dict[str, Any] | None:
        """A sound record; None where there is none. A damaged one is set aside and named."""
        try:
            return read_record(path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            if self.mode == "replay":
                raise
            bad = path.with_name(path.name + ".bad")
            path.rename(bad)
            _journal({"event": "bad", "path": self._relative(bad), "reason": str(error)})
            return None

    def _note(self, path: Path, record: dict[str, Any], reused: bool, seconds: float) -> None:
        self.cost[self._relative(path)] = record.get("seconds", 0.0)
        if self.journal:
            _journal(
                {
                    "event": "record",
                    "path": self._relative(path),
                    "sha256": record["sha256"],
                    "reused": reused,
                    "seconds": seconds,
                }
            )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def references(chapter: str, folder: Path = REFERENCES) -> list[Store]:
    """The committed reference results, newest first, opened for a chapter to read."""
    found = folder.glob(f"*/{REFERENCE}")
    stores = [Store(path.parent, chapter, "replay", journal=False) for path in found]
    return sorted(stores, key=lambda store: store.about["date"], reverse=True)


def describe_call(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as literals: the function's importable name and its bound arguments.

    Raises
    ------
    ValueError
        Where the function cannot be found again by another process.
    """
    module = function.__module__
    if "." in function.__qualname__ or module == "__main__":
        raise ValueError(f"{function.__qualname__} of {module} cannot be imported by its name")
    bound = inspect.signature(function).bind(**arguments)
    bound.apply_defaults()
    literal = to_jsonable_python(bound.arguments)
    return {"function": f"{module}:{function.__name__}", "arguments": json.loads(_text(literal))}


def key_of(described: dict[str, Any]) -> str:
    """The key under which the result of a call may be reused, here and now."""
    return _key(_text(described))


@cache
def _key(described: str) -> str:
    modules = set(digests.targets(json.loads(described)))
    made_of = {
        "call": described,
        "sources": digests.sources(modules),
        "versions": digests.versions(modules),
        "machine": machine.describe().id,
    }
    return hashlib.sha256(_text(made_of).encode()).hexdigest()


def read_record(path: Path) -> dict[str, Any]:
    """Read a sealed file.

    Raises
    ------
    FileNotFoundError
        Where there is none.
    ValueError
        Where it is not what was written: cut short, or altered.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is not whole: {error}") from None
    if not isinstance(record, dict) or record.get("sha256") != _sha256(record):
        raise ValueError(f"{path.name} was altered: its content does not match its SHA-256")
    return record


def stale(root: Path, reads: list[dict[str, Any]]) -> list[str]:
    """Why a page that read these records is not current; empty where it is.

    Parameters
    ----------
    root : Path
        Root of the store.
    reads : list of dict
        The journal's events of the kind ``record``.
    """
    reasons = []
    replayed = (root / REFERENCE).exists()
    for path, sha256 in {(read["path"], read["sha256"]) for read in reads}:
        try:
            record = read_record(root / path)
        except (FileNotFoundError, ValueError) as error:
            reasons.append(f"{path}: {error}")
            continue
        if record["sha256"] != sha256:
            reasons.append(f"{path} was measured anew")
        elif not replayed and "key" in record and not _holds(record):
            reasons.append(f"{path} was measured with other code, versions or on another machine")
    return sorted(reasons)


def _holds(record: dict[str, Any]) -> bool:
    return bool(record["key"] == key_of(record["call"]))


def _environment(described: dict[str, Any]) -> dict[str, Any]:
    return {
        "machine": machine.describe().model_dump(mode="json"),
        "versions": digests.versions(set(digests.targets(described))),
        "now": machine.now(),
    }


def _seal(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "sha256": _sha256(record)}


def _sha256(record: dict[str, Any]) -> str:
    content = {key: value for key, value in record.items() if key != "sha256"}
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _write(path: Path, record: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(record, file, sort_keys=True, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _journal(event: dict[str, Any]) -> None:
    """Tell the runner, where one listens."""
    if journal := os.environ.get(JOURNAL):
        with open(journal, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
