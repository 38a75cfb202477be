"""The Ornstein–Uhlenbeck process in Cython; import it by way of ``ou_cython``.

The three simulations show what types and missing checks buy; the three updates are twins
of one loop that differ in a single property each.
"""

cimport cython
from libc.math cimport exp, sqrt

import numpy as np

from unlocked.kernels.ou_arguments import checked_simulation, checked_update

cdef extern from *:
    const char* UNLOCKED_DIGEST

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()


@checked_simulation
def simulate_cython_untyped(num_steps, seed, dt=0.1, x0=0.0, tau=1.0, sigma=2.0):
    """Compile the Python loop as it is: every value is still a Python object."""
    noise = np.random.RandomState(seed).randn(num_steps)
    x = np.empty(num_steps + 1)
    relax = exp(-dt / tau)
    diffuse = sigma * sqrt(1 - relax * relax)
    x[0] = x0
    for i in range(num_steps):
        x[i + 1] = x[i] * relax + diffuse * noise[i]
    return x


@checked_simulation
def simulate_cython_typed(Py_ssize_t num_steps, seed, dt=0.1, x0=0.0, tau=1.0, sigma=2.0):
    """Declare the arrays and what the loop touches."""
    cdef double[:] noise = np.random.RandomState(seed).randn(num_steps)
    cdef double[:] x = np.empty(num_steps + 1)
    cdef double relax = exp(-dt / tau)
    cdef double diffuse = sigma * sqrt(1 - relax * relax)
    cdef Py_ssize_t i
    x[0] = x0
    for i in range(num_steps):
        x[i + 1] = x[i] * relax + diffuse * noise[i]
    return np.asarray(x)


@checked_simulation
@cython.boundscheck(False)
@cython.wraparound(False)
@cython.cdivision(True)
def simulate_cython_unchecked(
    Py_ssize_t num_steps, seed, double dt=0.1, double x0=0.0, double tau=1.0, double sigma=2.0
):
    """Declare everything and switch off all checks."""
    cdef double[:] noise = np.random.RandomState(seed).randn(num_steps)
    cdef double[:] x = np.empty(num_steps + 1)
    cdef double relax = exp(-dt / tau)
    cdef double diffuse = sigma * sqrt(1 - relax * relax)
    cdef Py_ssize_t i
    x[0] = x0
    for i in range(num_steps):
        x[i + 1] = x[i] * relax + diffuse * noise[i]
    return np.asarray(x)


@checked_update
@cython.boundscheck(False)
@cython.wraparound(False)
def update_cython(
    const double[::1] noise, double[::1] out, double dt, double x0, double tau, double sigma
):
    """Fill ``out`` with a path, no index checked; the GIL is free meanwhile."""
    cdef double relax = exp(-dt / tau)
    cdef double diffuse = sigma * sqrt(1 - relax * relax)
    cdef Py_ssize_t i
    with nogil:
        out[0] = x0
        for i in range(noise.shape[0]):
            out[i + 1] = out[i] * relax + diffuse * noise[i]


@checked_update
@cython.boundscheck(True)
@cython.wraparound(False)
def update_cython_checked(
    const double[::1] noise, double[::1] out, double dt, double x0, double tau, double sigma
):
    """Fill ``out`` with a path, every index checked; the GIL is free meanwhile."""
    cdef double relax = exp(-dt / tau)
    cdef double diffuse = sigma * sqrt(1 - relax * relax)
    cdef Py_ssize_t i
    with nogil:
        out[0] = x0
        for i in range(noise.shape[0]):
            out[i + 1] = out[i] * relax + diffuse * noise[i]


@checked_update
@cython.boundscheck(False)
@cython.wraparound(False)
def update_cython_holding(
    const double[::1] noise, double[::1] out, double dt, double x0, double tau, double sigma
):
    """Fill ``out`` with a path, no index checked, and hold the GIL throughout."""
    cdef double relax = exp(-dt / tau)
    cdef double diffuse = sigma * sqrt(1 - relax * relax)
    cdef Py_ssize_t i
    out[0] = x0
    for i in range(noise.shape[0]):
        out[i + 1] = out[i] * relax + diffuse * noise[i]
