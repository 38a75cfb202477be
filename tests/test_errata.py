"""The mistakes of the sources that the chapters show, each with its mechanism."""

import asyncio
import re
import time

from unlocked.study.claims import load_claims

NAP_SECONDS = 0.05


async def nap():
    await asyncio.sleep(NAP_SECONDS)


def test_a_timer_around_a_coroutine_function_times_nothing():
    """Erratum 2: calling it makes an object and runs none of its body."""
    start = time.perf_counter()
    coroutine = nap()
    called = time.perf_counter() - start
    assert asyncio.iscoroutine(coroutine)
    asyncio.run(coroutine)
    awaited = time.perf_counter() - start
    assert called < NAP_SECONDS <= awaited


def test_process_time_does_not_see_a_living_child():
    """Erratum 3, seen on a pool by tests/lab/test_timing.py; here on one bare process."""
    import subprocess
    import sys

    import psutil

    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    command = [sys.executable, "-c", busy]
    before = time.process_time()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        own = time.process_time() - before
        times = psutil.Process(child.pid).cpu_times()
        child.communicate(b"\n")
    assert times.user + times.system >= 0.25
    assert own < 0.25


def test_the_text_of_a_source_contradicts_its_outputs():
    """Erratum 6: factors typed into the prose, kept while the outputs moved on."""
    claims = load_claims()
    contradicted = {
        name
        for name, claim in claims.items()
        if claim.text_factor
        and claim.output_factor
        and max(claim.text_factor, claim.output_factor)
        > 1.5 * min(claim.text_factor, claim.output_factor)
    }
    assert {"OU-01a", "OU-01b", "OU-01c"} <= contradicted


def test_a_source_divides_by_a_time_that_it_does_not_show():
    """Erratum 7: 79.6/1.6 is its 50, but it shows 1.28 ms; and a core is compared with a GPU."""
    claims = load_claims()
    one_record = claims["HB-02"]
    text, outputs = one_record.published.split(";")
    as_written = [float(number) for number in re.findall(r"\d+\.\d+", text)]
    as_shown = [float(number) for number in re.findall(r"\d+\.\d+", outputs)]
    assert as_written == [79.6, 1.6]
    assert as_shown == [79.6, 1.28]
    assert round(as_written[0] / as_written[1]) == one_record.text_factor
    assert round(as_shown[0] / as_shown[1], 1) == one_record.output_factor
    assert one_record.output_factor > 1.2 * one_record.text_factor
    for claim in ("HB-01", "HB-02"):
        assert "scikit-learn on one core" in claims[claim].ratio
        assert "on a GPU" in claims[claim].ratio
