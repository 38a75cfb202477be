"""What the toy book measures: every measurement leaves a line in the file ``$TOY_LOG``."""

import os


def add(left: int, right: int) -> int:
    """The sum."""
    with open(os.environ["TOY_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{left}+{right}\n")
    return left + right
