"""Who uses the processor: what others did while something was measured, and waiting until they do nothing (Linux, /proc)."""

import os
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")
# Cores that others may use in a moment that counts as quiet.
QUIET = 0.1
LOOK = 0.2


def busy():
    """Seconds that all cores together have worked, or were taken away by the host, since the machine started."""
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def used_by(pid):
    """Seconds of processor time that a process has used."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def used_by_finished():
    """Seconds of processor time of the children that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_memory(pid):
    """Bytes that a process has had resident at most."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"process {pid} has no VmHWM")


def wait(limit):
    """Waits until nothing uses the machine, `limit` seconds at most. Engines' threads that still spin after their last answer count too."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before, start = busy(), time.perf_counter()
        time.sleep(LOOK)
        if (busy() - before) / (time.perf_counter() - start) < QUIET:
            return


def watched(work, own):
    """(result, cores that others used while `work` ran); `own` gives the processor time of whoever did it."""
    before, mine, start = busy(), own(), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    return result, max(0.0, (busy() - before - (own() - mine)) / seconds)
