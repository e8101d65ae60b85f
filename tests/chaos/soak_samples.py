# SPDX-License-Identifier: MIT
"""The samples of a service during the soak, and the verdict on them."""

import os
from dataclasses import dataclass

# If every request leaked the smallest block of malloc, memory would grow by over 200 KiB a minute at the soak's rate.
MOST_KIB_PER_MINUTE = 64
FEWEST_SAMPLES = 20
# Descriptors of a client: its connection, the one that it is leaving, and one that it has just left.
EACH = 3


@dataclass
class Sample:
    at_s: float
    memory_kib: int
    descriptors: int


def look(pid, at_s):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        memory = next(line for line in file if line.startswith("VmRSS:"))
    return Sample(at_s, int(memory.split()[1]), len(os.listdir(f"/proc/{pid}/fd")))


def read_metrics(text):
    """Returns the sum of all series of each name."""
    sums = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.split("{")[0].split()[0], float(line.split()[-1])
            sums[name] = sums.get(name, 0) + value
    return sums


def slope(points):
    """Least squares: returns how much y grows per unit of x."""
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread


def second_half(samples):
    return samples[len(samples) // 2:]


def growth(samples):
    """Returns the growth in KiB a minute in the second half; in the first, caches and arenas fill. None: too few samples."""
    late = second_half(samples)
    if len(late) < FEWEST_SAMPLES:
        return None
    return slope([(sample.at_s / 60, sample.memory_kib) for sample in late])


def faults_of(samples, clients, rest, after, counts):
    """Returns all errors of a service. `rest` is the sample before the load, `after` the one after it, and `counts` its metrics
    then. One request and one connection belong to the reading of the metrics."""
    found = []
    grown = growth(samples)
    if grown is not None and grown > MOST_KIB_PER_MINUTE:
        found.append(f"memory grows by {grown:.1f} KiB a minute")
    if after.descriptors > rest.descriptors:
        found.append(f"{after.descriptors} descriptors afterwards, {rest.descriptors} before")
    most = max((sample.descriptors for sample in second_half(samples)), default=0)
    if most > rest.descriptors + EACH * clients:
        found.append(f"{most} descriptors with {clients} clients, {rest.descriptors} without")
    if counts["discount_http_requests"] > 1:
        found.append(f"{counts['discount_http_requests'] - 1:.0f} requests are still in progress")
    if counts["discount_http_connections"] > 1:
        found.append(f"{counts['discount_http_connections'] - 1:.0f} connections are still counted")
    return found
