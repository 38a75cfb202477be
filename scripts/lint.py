#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Style, types, and the book's own rules for notebooks and prose; silent where all is well."""

import subprocess
import sys
from pathlib import Path

from unlocked.book.lint import lint

ROOT = Path(__file__).resolve().parents[1]

CHECKS = {
    ("ruff", "check", "--quiet", "."): "`ruff check --fix .` mends most of it",
    ("ruff", "format", "--check", "--quiet", "."): "`ruff format .` mends it",
    ("mypy",): "correct the types",
}


def main() -> int:
    failed = False
    for command, advice in CHECKS.items():
        run = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
        )
        if run.returncode:
            failed = True
            print(f"{run.stdout}{run.stderr}{' '.join(command[:2])} found something: {advice}.\n")
    violations = lint(ROOT)
    for violation in violations:
        print(violation)
    return int(failed or bool(violations))


if __name__ == "__main__":
    sys.exit(main())
