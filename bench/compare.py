#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the results of bench/compare.sh as tables and plots.

    bench/compare.py table < build/bench/compare.tsv
    bench/compare.py plot FOLDER [CONNECTIONS] < build/bench/compare.tsv

Each figure is the median over the rounds. A ratio is computed within a round first, and then its median is taken.
"""
import collections
import csv
import pathlib
import statistics
import subprocess
import sys

# The cost, relative to the ceiling, of a uWebSockets server in C++ with pipelined EVALSHA and this many connections
# (docs/performance.md).
AIM, AIM_CONNECTIONS = 1.86, 64

NAMES = {
    'ceiling': 'ceiling: constant answer, no store',
    'sqlite': 'discountd, SQLite, durable',
    'redis': 'discountd, Redis',
    'redis-always': 'discountd, Redis, fsync always',
    'pipelined': 'C, bare epoll, pipelined EVALSHA',
    'threads': 'C, thread pool, blocking hiredis',
    'nginx-lua': 'nginx and Lua',
    'fastify': 'Node, fastify, ioredis',
    'seed': 'the seed: Flask, gunicorn',
}
WORKLOADS = {'hot': 'One hot discount', 'zipf': 'Many discounts, by popularity (Zipf)'}


def name(contender):
    if not contender.startswith('nginx-') or contender in NAMES:
        return NAMES.get(contender, contender)
    count = contender.removeprefix('nginx-')
    return f'discountd, Redis, Nginx and {count} replica{"s" if count != "1" else ""}'


# ---- The figures ----

class Run:
    """One line of the results."""

    def __init__(self, line):
        self.workload, self.contender = line['workload'], line['contender']
        self.connections, self.round = int(line['connections']), int(line['round'])
        self.figures = {key: None if line[key] == '-' else float(line[key]) for key in list(line)[4:]}
        figures = self.figures
        figures['serving_us'] = figures['server_us'] + figures['balancer_us']
        figures['together_us'] = figures['serving_us'] + figures['redis_us']


def read(file):
    """Returns {(workload, connections): {contender: [runs]}}, in the order of the file."""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in csv.DictReader(file, delimiter='\t'):
        run = Run(line)
        groups[run.workload, run.connections][run.contender].append(run)
    return groups


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def figure(runs, key):
    return median(run.figures[key] for run in runs)


def ratio(runs, ceiling, key, over):
    """Returns the ratio of a figure to the ceiling's in the same round; None without a ceiling."""
    floor = {run.round: run.figures[over] for run in ceiling}
    return median(run.figures[key] / floor[run.round] for run in runs if floor.get(run.round))


# ---- The tables ----

COLUMNS = ('', 'grants/s', 'from–to', '× ceiling', 'p50 ms', 'p99 ms', 'p99.9 ms', 'server µs', 'Redis µs', 'together µs',
           '× ceiling', 'calls', 'server MiB', 'Redis MiB')


def digits(value, form):
    return '–' if value is None else format(value, form)


def row(runs, ceiling):
    rates = [run.figures['rate'] for run in runs]
    serving = digits(figure(runs, 'serving_us'), '.1f')
    if figure(runs, 'balancer_us'):
        serving += f' (Nginx {figure(runs, "balancer_us"):.1f})'
    has_redis = figure(runs, 'redis_us') > 0
    return (name(runs[0].contender), digits(figure(runs, 'rate'), ',.0f'), f'{min(rates):,.0f}–{max(rates):,.0f}',
            digits(ratio(runs, ceiling, 'rate', 'rate'), '.2f'), *(digits(figure(runs, key), '.2f') for key in ('p50', 'p99', 'p999')),
            serving, digits(figure(runs, 'redis_us') if has_redis else None, '.1f'), digits(figure(runs, 'together_us'), '.1f'),
            digits(ratio(runs, ceiling, 'together_us', 'serving_us'), '.2f'), digits(figure(runs, 'calls'), '.2f'),
            digits(figure(runs, 'peak_mib'), '.0f'), digits(figure(runs, 'redis_mib') if has_redis else None, '.0f'))


def padded(rows):
    """Returns the lines of a Markdown table with aligned columns."""
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]))]
    for number, cells in enumerate(rows):
        yield '| ' + ' | '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                for i, (cell, width) in enumerate(zip(cells, widths))) + ' |'
        if number == 0:
            yield '|' + '|'.join('-' * (width + 2) if i == 0 else '-' * (width + 1) + ':' for i, width in enumerate(widths)) + '|'


def verdict(contenders):
    """Returns one sentence that compares the aim with the result."""
    reached = {key: ratio(contenders[key], contenders['ceiling'], 'together_us', 'serving_us')
               for key in contenders if key in ('sqlite', 'redis', 'redis-always')}
    return f'Aim: at most {AIM} times the ceiling\'s CPU. ' + '; '.join(
        f'{name(key)}: {times:.2f} ({"reached" if times <= AIM else "missed"})' for key, times in reached.items() if times) + '.'


def table(groups):
    for (workload, connections), contenders in groups.items():
        print(f'\n### {WORKLOADS[workload]}, {connections} connection{"s" if connections > 1 else ""}\n')
        ceiling = contenders.get('ceiling', [])
        print('\n'.join(padded([COLUMNS, *(row(runs, ceiling) for runs in contenders.values())])))
        if ceiling and len(contenders) > 1 and connections == AIM_CONNECTIONS:
            print('\n' + verdict(contenders))


# ---- The plots ----

def draw(path, lines, *options):
    drawn = subprocess.run([pathlib.Path(__file__).with_name('plot.py'), 'bars', '--bold', 'discountd', *options],
                           input='\n'.join(lines), capture_output=True, text=True, check=True)
    path.write_text(drawn.stdout)


def plot(groups, folder, connections):
    for (workload, count), contenders in groups.items():
        if count != connections:
            continue
        note = f'# {connections} connections, a new user each; medians. wrk has up to one of the processors for itself.'
        what = WORKLOADS[workload]
        cpu = ['\t'.join((name(key), f'{figure(runs, "server_us")}', f'{figure(runs, "balancer_us") or "-"}', f'{figure(runs, "redis_us") or "-"}'))
               for key, runs in contenders.items()]
        rates = [f'{name(key)}\t{figure(runs, "rate")}' for key, runs in contenders.items()]
        draw(folder / f'performance-{workload}-cpu.svg', ['contender\tserver\tNginx\tRedis', *cpu, note],
             '--title', f'CPU per grant, in µs: {what[0].lower()}{what[1:]}', '--unit', 'µs', '--most', '120')
        draw(folder / f'performance-{workload}-rate.svg', ['contender\tgrants/s', *rates, note],
             '--title', f'Grants per second: {what[0].lower()}{what[1:]}', '--unit', '/s', '--order', 'down')


def main():
    groups = read(sys.stdin)
    if sys.argv[1:] == ['table']:
        table(groups)
    elif len(sys.argv) in (3, 4) and sys.argv[1] == 'plot':
        plot(groups, pathlib.Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 64)
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
