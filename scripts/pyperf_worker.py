"""Time one call by pyperf, in this process: ``pyperf_worker.py CALL OPTION…``.

CALL is the JSON of a Call for the inputs and of one for the function; the options are pyperf's.
"""

import functools
import json
import sys

import pyperf

from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.timing import Call
from unlocked.lab.worker import resolve


def main() -> None:
    die_with_parent()
    inputs, function = (Call(**spec) for spec in json.loads(sys.argv.pop(1)))
    arguments = resolve(inputs.target)(**inputs.arguments) | function.arguments
    runner = pyperf.Runner()
    runner.bench_func("call", functools.partial(resolve(function.target), **arguments))


if __name__ == "__main__":
    main()
