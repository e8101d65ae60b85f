#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the results of bench/flash_sale.sh as a table, and plots those of the highest rate.

    bench/flash_table.py table < build/bench/flash_sale.tsv
    bench/flash_table.py plot FOLDER < build/bench/flash_sale.tsv

Each figure is the median over the rounds."""
import csv
import pathlib
import statistics
import sys

from compare import draw, name, padded

HEADING = ('', 'arrive/s', 'sold out ms', 'won', 'p50 ms', 'p99', 'p99.9', 'max', 'refused', 'p50 ms', 'p99', 'p99.9', 'max', 'put off',
           'other', 'no answer', 'last winner', 'stored', 'queue empty ms', 'rush late ms', 'rush CPU %')
KEYS = ('sold_out', 'won', 'win_p50', 'win_p99', 'win_p999', 'win_max', 'refused', 'refused_p50', 'refused_p99', 'refused_p999',
        'refused_max', 'put_off', 'other', 'unanswered', 'last_winner', 'stored', 'empty_after', 'late', 'rush_cpu')
COUNTS = {'won', 'refused', 'put_off', 'other', 'unanswered', 'last_winner', 'stored', 'rush_cpu'}


def read(file):
    """Returns {(rate, contender): [runs]}, in the order of the file."""
    groups = {}
    for line in csv.DictReader(file, delimiter='\t'):
        groups.setdefault((int(line['rate']), line['contender']), []).append(line)
    return groups


def figure(runs, key):
    return statistics.median(float(run[key]) for run in runs)


def cell(runs, key):
    value = figure(runs, key)
    if key in COUNTS or value >= 1000:
        return f'{value:,.0f}'
    return f'{value:.1f}'


def table(groups):
    rows = [(name(contender), f'{rate:,}', *(cell(runs, key) for key in KEYS)) for (rate, contender), runs in groups.items()]
    print()
    print('\n'.join(padded([HEADING, *rows])))


def label(contender, runs):
    """Unanswered users waited longer than any figure says, so the label names them."""
    unanswered = figure(runs, 'unanswered')
    return name(contender) + (f' ({unanswered:,.0f} without an answer)' if unanswered else '')


def plot(path, groups, key, title):
    """Draws a bar for each contender at the highest rate."""
    highest = max(rate for rate, _ in groups)
    runs = {contender: runs for (rate, contender), runs in groups.items() if rate == highest}
    users, units = (figure(next(iter(runs.values())), count) for count in ('users', 'units'))
    draw(path, ['contender\tms', *(f'{label(contender, runs[contender])}\t{figure(runs[contender], key)}' for contender in runs),
                f'# {users:,.0f} users for {units:,.0f} units, {highest:,} arrive in a second, whoever waits already; medians.'],
         '--title', title, '--unit', 'ms')


def main():
    groups = read(sys.stdin)
    if sys.argv[1:] == ['table']:
        table(groups)
    elif len(sys.argv) == 3 and sys.argv[1] == 'plot':
        folder = pathlib.Path(sys.argv[2])
        plot(folder / 'flash-sale-sold-out.svg', groups, 'sold_out', 'Flash sale: until the last unit is gone, in ms')
        plot(folder / 'flash-sale-winners.svg', groups, 'win_p99', 'Flash sale: how long winners wait, p99 in ms')
        plot(folder / 'flash-sale-refused.svg', groups, 'refused_p99', 'Flash sale: how long the refused wait, p99 in ms')
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
