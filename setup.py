"""Build the compiled modules that unlocked.extensions declares."""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

sys.path.insert(0, str(Path(__file__).parent / "src"))

from unlocked.extensions import EXTENSIONS

ROOT = Path(__file__).parent.resolve()

setup(
    ext_modules=cythonize(
        [
            Extension(
                extension.name,
                [str(extension.source.relative_to(ROOT))],
                include_dirs=[str(extension.source.parent.relative_to(ROOT))],
                extra_compile_args=list(extension.flags),
                define_macros=[("UNLOCKED_DIGEST", f'"{extension.digest()}"')],
            )
            for extension in EXTENSIONS.values()
        ],
        force=True,  # a newer Cython translates an unchanged source anew
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    ),
)
