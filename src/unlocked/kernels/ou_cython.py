"""The Ornstein–Uhlenbeck process compiled by Cython beforehand, from ``_ou.pyx``."""

from unlocked.extensions import load

_ou = load("unlocked.kernels._ou")

simulate_cython_untyped = _ou.simulate_cython_untyped
simulate_cython_typed = _ou.simulate_cython_typed
simulate_cython_unchecked = _ou.simulate_cython_unchecked

update_cython = _ou.update_cython
update_cython_checked = _ou.update_cython_checked
update_cython_holding = _ou.update_cython_holding
