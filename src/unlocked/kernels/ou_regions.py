"""Many Ornstein–Uhlenbeck paths side by side: one parallel region, and one barrier, a step.

The layout is the worst for threads, and common: a short parallel loop inside a long serial one.
"""

import numba
import numpy as np

from unlocked.extensions import numba_cache
from unlocked.kernels.ou_arguments import FloatArray

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]


@numba.njit(cache=True, nogil=True, parallel=True)
def step_paths(state: FloatArray, noise: FloatArray, relax: float, diffuse: float) -> None:
    """Take every path ``len(noise)`` steps further, in place; the GIL is free meanwhile.

    Parameters
    ----------
    state : ndarray of float64, shape (paths,)
    noise : ndarray of float64, shape (steps, paths)
    relax, diffuse : float
        Constants of Gillespie's update; see :func:`unlocked.kernels.ou.update_reference`.
    """
    for step in range(noise.shape[0]):
        for path in numba.prange(state.shape[0]):
            state[path] = state[path] * relax + diffuse * noise[step, path]


def step_paths_reference(
    state: FloatArray, noise: FloatArray, relax: float, diffuse: float
) -> FloatArray:
    """Return where the paths end, computed by NumPy on one thread; ``state`` is left as it is."""
    for normals in noise:
        state = state * relax + diffuse * normals
    return np.asarray(state)


def threading_layer() -> str:
    """Run a parallel region and name the library that served it: omp, tbb or workqueue.

    Only omp and tbb may be entered by several threads at a time; workqueue ends the process.
    """
    step_paths(np.zeros(2), np.zeros((1, 2)), 0.5, 0.5)
    return str(numba.threading_layer())
