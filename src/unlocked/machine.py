"""Describe the machine that measures: what a timing depends on, never who owns it."""

import hashlib
import json
import os
import platform
import sys
import sysconfig
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import psutil
import threadpoolctl
from pydantic import BaseModel, ConfigDict

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


class Machine(BaseModel):
    """A machine as the book knows it; sizes in bytes, caches as one core sees them."""

    model_config = ConfigDict(frozen=True)

    cpu: str
    architecture: str
    physical_cores: int | None
    logical_cores: int | None
    effective_cores: int
    caches: dict[str, int]
    memory: int
    hypervisor: str | None
    os: str
    python: str
    compiler: str
    gil: bool

    @property
    def id(self) -> str:
        """Stable name of this machine: processor, effective cores, caches, OS, Python build."""
        fixed = self.model_dump(
            include={"cpu", "effective_cores", "caches", "os", "python", "compiler", "gil"}
        )
        return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def summary(self) -> str:
        """One line for a caption."""
        cores = "core" if self.effective_cores == 1 else "cores"
        return f"{self.cpu}, {self.effective_cores} {cores}, {self.os}, Python {self.python}"


@cache
def describe() -> Machine:
    """Describe this machine, as seen by this process (affinity and CPU quota count)."""
    import cpuinfo

    info = cpuinfo.get_cpu_info()
    return Machine(
        cpu=info.get("brand_raw", platform.processor() or platform.machine()),
        architecture=platform.machine(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(),
        effective_cores=joblib.cpu_count(),
        caches=_caches(info),
        memory=psutil.virtual_memory().total,
        hypervisor=_hypervisor(info.get("flags", [])),
        os=_system(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        compiler=platform.python_compiler(),
        gil=bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
    )


def thread_counts(cores: int) -> list[int]:
    """Numbers of threads to measure on this many cores: to twice as many, in sensible steps."""
    last = 2 * cores
    if last <= 8:
        return list(range(1, last + 1))
    doublings = {2**power for power in range(last.bit_length())}
    return sorted({cores, last} | {count for count in doublings if count < last})


def _caches(info: dict[str, Any]) -> dict[str, int]:
    """Data caches by level: as Linux lists those of one core, elsewhere as py-cpuinfo does."""
    found = {}
    for place in sorted(CACHES.glob("index*")):
        level, kind, size = (
            (place / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction" and size.endswith("K"):
            found[f"L{level}{'d' if kind == 'Data' else ''}"] = 1024 * int(size[:-1])
    keys = {"L1d": "l1_data_cache_size", "L2": "l2_cache_size", "L3": "l3_cache_size"}
    return found or {
        level: info[key] for level, key in keys.items() if isinstance(info.get(key), int)
    }


def _hypervisor(flags: list[str]) -> str | None:
    vendor = Path("/sys/class/dmi/id/sys_vendor")
    if "hypervisor" not in flags:
        return None
    return vendor.read_text().strip() if vendor.is_file() else "yes, of unknown kind"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def now() -> dict[str, Any]:
    """What changes from one moment to the next: time, load, frequency, thread pools, flags."""
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "megahertz": frequency.current if frequency else None,
        "pools": [
            {key: pool[key] for key in ("user_api", "internal_api", "num_threads", "version")}
            for pool in threadpoolctl.threadpool_info()
        ],
        "cflags": _without_paths(sysconfig.get_config_var("CFLAGS") or ""),
    }


def _without_paths(flags: str) -> str:
    return " ".join(flag for flag in flags.split() if "/" not in flag)
