#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/flash_sale.sh has measured, as a table and as plots.

    bench/flash_table.py table < build/bench/flash_sale.tsv
    bench/flash_table.py plot FOLDER < build/bench/flash_sale.tsv

Each figure is the median over the rounds."""
import csv
import pathlib
import statistics
import subprocess
import sys

from compare import name, padded

HEADING = ('', 'arrive/s', 'sold out ms', 'won', 'p50 ms', 'p99', 'p99.9', 'max', 'refused', 'p50 ms', 'p99', 'p99.9', 'max', 'put off',
           'other', 'no answer', 'last winner', 'stored', 'queue empty ms', 'rush late ms', 'rush CPU %')
KEYS = ('sold_out', 'won', 'win_p50', 'win_p99', 'win_p999', 'win_max', 'refused', 'refused_p50', 'refused_p99', 'refused_p999',
        'refused_max', 'put_off', 'other', 'unanswered', 'last_winner', 'stored', 'empty_after', 'late', 'rush_cpu')
COUNTS = {'won', 'refused', 'put_off', 'other', 'unanswered', 'last_winner', 'stored', 'rush_cpu'}


def read(file):
    """{(rate, contender): [runs]}, as they first came."""
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


def draw(path, groups, key, title):
    """A line for each contender over the rates; who refused nobody has no time for that."""
    rates = sorted({rate for rate, _ in groups})
    contenders = list(dict.fromkeys(contender for _, contender in groups))

    def point(rate, contender):
        runs = groups.get((rate, contender))
        return f'{figure(runs, key)}' if runs and figure(runs, key) > 0 else '-'
    lines = ['\t'.join(['users', *map(name, contenders)]),
             *('\t'.join([str(rate), *(point(rate, contender) for contender in contenders)]) for rate in rates),
             '# Each time is from the moment at which a user arrives, whoever waits already; medians.']
    drawn = subprocess.run([pathlib.Path(__file__).with_name('plot.py'), 'lines', '--title', title, '--x', 'users who arrive in a second',
                            '--y', 'ms', '--log-y'], input='\n'.join(lines), capture_output=True, text=True, check=True)
    path.write_text(drawn.stdout)


def main():
    groups = read(sys.stdin)
    if sys.argv[1:] == ['table']:
        table(groups)
    elif len(sys.argv) == 3 and sys.argv[1] == 'plot':
        folder = pathlib.Path(sys.argv[2])
        draw(folder / 'flash-sale-winners.svg', groups, 'win_p99', 'Flash sale: how long winners wait, p99')
        draw(folder / 'flash-sale-refused.svg', groups, 'refused_p99', 'Flash sale: how long the refused wait, p99')
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
