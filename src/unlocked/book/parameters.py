"""The parameters of a chapter: one cell tagged ``parameters``, literals only, one a line.

``num_steps: int = 1_000_000  # steps of one path; [1, inf)`` declares a name, its type, its value
in the quick profile, what it is, and the range of its values. Types are int, float, bool, str and
lists of these; numbers need a range, a list's range holds for each of its values.
"""

import ast
import difflib
import io
import math
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Value = int | float | bool | str | list[int] | list[float] | list[bool] | list[str]

STORE = "results"
"""Name of the parameter, in every chapter, that says where the chapter keeps its records."""

FORM = "name: type = literal  # description; [low, high)"
TYPES = {"int": int, "float": float, "bool": bool, "str": str}
RANGE = re.compile(r"(?P<text>[\[(]\s*(?P<low>[^,\s]+)\s*,\s*(?P<high>[^,\s]+)\s*[\])])$")


class ParameterError(ValueError):
    """A parameter, its value or the cell that declares it is not as it must be."""


@dataclass(frozen=True)
class Range:
    """An interval of numbers, each end open or closed: ``[1, inf)``."""

    text: str
    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read the range at the end of a comment; ValueError where there is none."""
        found = RANGE.search(text)
        if found is None:
            raise ValueError(f"no range in {text!r}")
        low, high = float(found["low"]), float(found["high"])
        if not low <= high:
            raise ValueError(f"{found['text']} is empty")
        return cls(found["text"], low, high)

    def __contains__(self, value: float) -> bool:
        above = value >= self.low if self.text.startswith("[") else value > self.low
        below = value <= self.high if self.text.endswith("]") else value < self.high
        return above and below


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `default` is its value in the quick profile."""

    name: str
    type: str
    default: Value
    description: str
    range: Range | None

    def coerce(self, value: object) -> Value:
        """Bring a value to the declared type, where that loses nothing.

        Text stands for the number, truth value or list that YAML reads in it, and ``1e6`` for a
        number too: this is how values arrive from a command line.

        Raises
        ------
        ParameterError
            Where the value has another type or lies out of range.
        """
        try:
            return self._list(value) if self.type.startswith("list") else self._scalar(value)
        except (TypeError, ValueError, OverflowError):
            pass
        raise ParameterError(f"{self.name} = {value!r} is refused: it must be {self.allowed}")

    @property
    def allowed(self) -> str:
        """The type and the range, in words."""
        if self.type.startswith("list"):
            kind = f"a list of one or more {self.type[5:-1]} values"
        else:
            kind = f"{'an' if self.type == 'int' else 'a'} {self.type}"
        return f"{kind} in {self.range.text}" if self.range else kind

    def _list(self, value: object) -> Value:
        value = _read(value)
        if not isinstance(value, list) or not value:
            raise TypeError
        return [self._scalar(item) for item in value]  # type: ignore[return-value]

    def _scalar(self, value: object) -> int | float | bool | str:
        kind = TYPES[self.type.removeprefix("list[").removesuffix("]")]
        value = value if kind is str else _read(value)
        if kind in (int, float):
            value = _number(value, kind)
            if self.range is not None and value not in self.range:
                raise ValueError
        elif not isinstance(value, kind):
            raise TypeError
        return value  # type: ignore[return-value]


def parse_parameters(source: str) -> dict[str, Parameter]:
    """Read the parameters that the source of a parameters cell declares, in their order.

    Raises
    ------
    ParameterError
        Where a line breaks the form, which the message repeats.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"the parameters cell does not parse: {error}") from None
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }
    declared: dict[str, Parameter] = {}
    for statement in body:
        parameter = _declaration(statement, comments.get(statement.end_lineno or 0, ""))
        if parameter.name in declared:
            raise ParameterError(f"the parameters cell declares {parameter.name} twice")
        declared[parameter.name] = parameter
    if STORE not in declared or declared[STORE].default != "":
        raise ParameterError(f'the parameters cell must declare {STORE}: str = ""')
    return declared


def coerce_all(declared: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, Value]:
    """Bring values given by name to their declared types.

    Raises
    ------
    ParameterError
        Where a name is not declared (the nearest one is named) or a value is refused.
    """
    _refuse_unknown(declared, values)
    return {name: declared[name].coerce(value) for name, value in values.items()}


def with_values(source: str, values: Mapping[str, Value]) -> str:
    """The source of a parameters cell with the literals of these parameters replaced."""
    data = source.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for statement in reversed(ast.parse(source).body):
        assert isinstance(statement, ast.AnnAssign)
        assert isinstance(statement.target, ast.Name)
        if statement.target.id in values:
            literal: Any = statement.value
            start = starts[literal.lineno - 1] + literal.col_offset
            end = starts[literal.end_lineno - 1] + literal.end_col_offset
            text = repr(values[statement.target.id])
            data = data[:start] + text.encode() + data[end:]
    return data.decode()


def check_parameters(namespace: dict[str, Any]) -> None:
    """Check a running chapter's parameters and bring them to their declared types.

    Call it as ``check_parameters(globals())`` in the cell after the parameters cell. It finds the
    declarations, and the cell that papermill injects, among the cells that IPython executed, so
    it works alike under the runner, plain papermill and JupyterLab.

    Parameters
    ----------
    namespace : dict
        The notebook's globals; coerced values are written back to it.

    Raises
    ------
    ParameterError
        Where a parameter is unknown, has another type or lies out of range.
    """
    executed = list(namespace.get("In", []))
    places = [index for index, source in enumerate(executed) if _declares_store(source)]
    if not places:
        raise ParameterError("no parameters: run the cell tagged parameters before this one")
    declared = parse_parameters(executed[places[-1]])
    for source in executed[places[-1] + 1 :]:
        if source.startswith("# Parameters"):
            _refuse_unknown(declared, _assigned(source))
    for name, parameter in declared.items():
        namespace[name] = parameter.coerce(namespace[name])


def _declaration(statement: ast.stmt, comment: str) -> Parameter:
    """The parameter that one statement of the cell declares."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        raise _broken(statement, "it is no declaration")
    kind = ast.unparse(statement.annotation)
    base = kind.removeprefix("list[").removesuffix("]") if kind.startswith("list[") else kind
    if base not in TYPES:
        raise _broken(statement, f"{kind} is none of {', '.join(TYPES)} and lists of these")
    if statement.value is None or statement.col_offset:
        raise _broken(statement, "each stands on a line of its own and has a value")
    numeric = base in ("int", "float")
    description, _, range_text = comment.rpartition(";") if numeric else (comment, "", "")
    if not description.strip():
        missing = "a description and a range" if numeric else "a description"
        raise _broken(statement, f"its comment must hold {missing}")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise _broken(statement, "its value is no literal") from None
    try:
        allowed = Range.parse(range_text) if numeric else None
    except ValueError as error:
        raise _broken(statement, str(error)) from None
    if isinstance(default, str) and kind != "str":
        raise _broken(statement, f"{default!r} is text")
    untyped = Parameter(statement.target.id, kind, default, description.strip(), allowed)
    return Parameter(
        untyped.name, kind, untyped.coerce(default), untyped.description, untyped.range
    )


def _broken(statement: ast.stmt, reason: str) -> ParameterError:
    return ParameterError(
        f"line {statement.lineno} of the parameters cell, {ast.unparse(statement)!r}, "
        f"is not of the form {FORM!r}: {reason}"
    )


def _refuse_unknown(declared: Mapping[str, Parameter], names: Iterable[str]) -> None:
    for name in names:
        if name not in declared:
            open_names = [known for known in declared if known != STORE]
            near = difflib.get_close_matches(name, open_names, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            choice = ", ".join(open_names) or "none"
            raise ParameterError(f"unknown parameter {name}: {meant}The parameters are: {choice}")


def _read(value: object) -> object:
    """What a text given for something other than text stands for."""
    if not isinstance(value, str):
        return value
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    if not isinstance(read, str):
        return read
    try:
        return float(read)  # YAML 1.1 takes 1e6 for text
    except ValueError:
        return read


def _number(value: object, kind: type) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise TypeError
    if kind is float:
        return float(value)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def _assigned(source: str) -> list[str]:
    """Names that the top-level assignments of a cell bind."""
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def _declares_store(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return any(
        isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.target.id == STORE
        for statement in body
    )
