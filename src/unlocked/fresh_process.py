"""Call a function in a fresh process that has an environment and cores of its own.

A thread library reads ``OMP_NUM_THREADS`` and counts its cores once, when it is loaded. What it
makes of another setting shows only in a process that has not loaded it yet. ``python -m
unlocked.fresh_process`` is that process: it reads one request from standard input and prints
what the function returns. It imports nothing that starts threads before it is held to its cores.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.worker import private_stdout, resolve


class FreshProcessError(RuntimeError):
    """The function failed in its process, or the process died."""


def can_pin() -> bool:
    """Whether a process of this system may be held to chosen cores."""
    return hasattr(os, "sched_setaffinity")


def call_fresh(
    target: str,
    arguments: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    cores: int = 0,
) -> Any:
    """Return what ``target(**arguments)`` returns in a fresh process.

    Parameters
    ----------
    target : str
        ``module:function``; what it returns must be plain JSON.
    arguments : mapping of str to literal or None
    environment : mapping of str to str or None
        Variables set for the process, beside those of this one.
    cores : int
        Number of cores that the process may use; 0 for those of this one.

    Raises
    ------
    ValueError
        Where fewer cores are to be had than asked for, or the system pins no process.
    FreshProcessError
        Where the function fails; the message is its own.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "unlocked.fresh_process"],
        input=json.dumps(
            {"target": target, "arguments": dict(arguments or {}), "pin": _first_cores(cores)}
        ),
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    lines = finished.stdout.splitlines()
    if finished.returncode or not lines:
        raise FreshProcessError(f"{target}: the process died (exit {finished.returncode})")
    reply = json.loads(lines[-1])
    if "error" in reply:
        raise FreshProcessError(f"{target}: {reply['error']}")
    return reply["answer"]


def _first_cores(count: int) -> list[int]:
    if count == 0:
        return []
    if not can_pin():
        raise ValueError(f"{sys.platform} pins no process to cores: leave cores at 0")
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(allowed):
        raise ValueError(f"{count} cores asked for: this process may use 1 to {len(allowed)}")
    return allowed[:count]


def main() -> None:
    die_with_parent()
    channel = private_stdout()
    request = json.loads(sys.stdin.read())
    if request["pin"]:
        os.sched_setaffinity(0, request["pin"])
    try:
        reply = {"answer": resolve(request["target"])(**request["arguments"])}
    except Exception as error:  # reported to the parent, which raises it
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), file=channel, flush=True)


if __name__ == "__main__":
    main()
