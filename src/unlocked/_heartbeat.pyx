"""The heartbeat: a thread that sleeps, asks for the GIL, and notes how long it had to wait."""

from libc.math cimport log
from libc.stdint cimport uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, nanosleep, timespec

cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/prctl.h>
    static void exact_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }
    #else
    static void exact_timers(void) {}
    #endif
    """
    void exact_timers() nogil
    const char* UNLOCKED_DIGEST

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()


cdef inline double now() noexcept nogil:
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec + 1e-9 * time.tv_nsec


cdef inline double uniform(uint64_t* state) noexcept nogil:
    state[0] ^= state[0] << 13
    state[0] ^= state[0] >> 7
    state[0] ^= state[0] << 17
    return ((state[0] >> 11) + 0.5) / 9007199254740992.0


def beat(list beats, stop, double mean_sleep):
    """Sleep, ask for the GIL, note how long that took; again and again until `stop` is set.

    The time of asking is noted without the GIL, so neither a late timer nor a busy core counts as
    waiting for it. Sleeps are drawn from an exponential distribution, so that the beats cannot fall
    into step with what they watch.

    Parameters
    ----------
    beats : list of float
        Grows by three numbers a beat, seconds of the monotonic clock: when the sleep was due to
        end, when the GIL was asked for, when it was there.
    stop : threading.Event
        Ends the function.
    mean_sleep : float
        Seconds, on average.
    """
    cdef uint64_t state = <uint64_t> (1e9 * now()) | 1
    cdef double sleep, due, asked
    cdef timespec time
    exact_timers()
    while not stop.is_set():
        with nogil:
            sleep = -mean_sleep * log(uniform(&state))
            time.tv_sec = <long> sleep
            time.tv_nsec = <long> (1e9 * (sleep - time.tv_sec))
            due = now() + sleep
            nanosleep(&time, NULL)
            asked = now()
        beats.append(due)
        beats.append(asked)
        beats.append(now())
