"""What this machine is, as far as speed goes (Linux, /proc and /sys)."""

import os
import platform
from pathlib import Path

# Instruction sets that decide how fast matrix products are, as the kernel names them.
TELLING = (
    "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "sve",
)  # fmt: skip


def _field(path, *names):
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return None


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def describe():
    flags = set((_field("/proc/cpuinfo", "flags", "Features") or "").split())
    caches = Path("/sys/devices/system/cpu/cpu0/cache")
    levels = {(f / "level").read_text().strip(): (f / "size").read_text().strip() for f in caches.glob("index*")} if caches.is_dir() else {}
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": cores(),
        "instruction_sets": [flag for flag in TELLING if flag in flags],
        "last_level_cache": levels[max(levels)] if levels else None,
        "memory_bytes": int(_field("/proc/meminfo", "MemTotal").split()[0]) * 1024,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }
