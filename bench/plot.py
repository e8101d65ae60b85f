#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a table as an SVG, with nothing but Python.

    bench/plot.py bars  --title TEXT [--unit TEXT] [--order up|down|as-is] [--most N] [--bold WORD] < TABLE > FILE.svg
    bench/plot.py lines --title TEXT [--x TEXT] [--y TEXT] [--log-x] [--log-y] < TABLE > FILE.svg

TABLE has tabs between its columns and names in its first line. An empty cell, or `-`, is none. A line that
begins with # is a note, which is written below the plot.

bars   the first column names a bar, the others are its parts, stacked from left to right:

           contender<TAB>server<TAB>Redis
           discountd, SQLite<TAB>22.1<TAB>
           nginx and Lua<TAB>27.5<TAB>18.7

       --order up (the least on top; the default), down, or as the table has it
       --most  the axis ends here; a longer bar is cut, which is shown, and its figure stands beside it
       --bold  bars whose name begins with this are the ones to look at

lines  the first column is x, each other one a line:

           connections<TAB>p50<TAB>p99
           1<TAB>0.2<TAB>0.4

       --log-x, --log-y  powers of ten at equal distances; y begins at 0 otherwise

The card has a background of its own, light or dark as the reader's system is, so that it can be read on any page.
"""
import argparse
import math
import sys
from html import escape

WIDTH = 860
MARGIN = 28
COLOURS = ('a', 'b', 'c', 'd', 'e', 'f')
STYLE = """
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 }
  .bold { font-weight: 600 }
  .quiet { font-size: 12px; fill: #59636e }
  .inside { font-size: 12px; fill: #fff }
  .card { fill: #fff; stroke: #d1d9e0 }
  .grid { stroke: #e4e8ec }
  .cut { fill: #fff }
  .a { fill: #1f6fc4 } .b { fill: #c8602a } .c { fill: #2d8a57 } .d { fill: #8250c4 } .e { fill: #a3781a } .f { fill: #59636e }
  .line { fill: none !important; stroke-width: 2.2; stroke-linejoin: round }
  .line.a { stroke: #1f6fc4 } .line.b { stroke: #c8602a } .line.c { stroke: #2d8a57 }
  .line.d { stroke: #8250c4 } .line.e { stroke: #a3781a } .line.f { stroke: #59636e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #9aa5b1 }
    .card { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #262c34 }
    .cut { fill: #0d1117 }
  }
"""


class Drawing:
    """The parts of an SVG, in the order in which they are drawn."""

    def __init__(self):
        self.parts = []

    def rect(self, kind, x, y, width, height, radius=0):
        self.parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}"/>')

    def line(self, x1, y1, x2, y2):
        self.parts.append(f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x, y, words, kind='', anchor='start'):
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def path(self, kind, points):
        self.parts.append(f'<polyline class="line {kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        for x, y in points:
            self.parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>')

    def slash(self, x, y, height):
        """Draws two slanted gaps: the bar is longer than the axis."""
        for at in (x, x + 7):
            self.parts.append(f'<polygon class="cut" points="{at:.1f},{y + height + 1:.1f} {at + 4:.1f},{y - 1:.1f} '
                              f'{at + 7:.1f},{y - 1:.1f} {at + 3:.1f},{y + height + 1:.1f}"/>')

    def svg(self, height, title):
        card = f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8"/>'
        return '\n'.join((
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img">',
            f'<title>{escape(title)}</title>', f'<style>{STYLE}</style>', card, *self.parts, '</svg>', ''))


# ---- The table ----

def number(cell):
    return None if cell.strip() in ('', '-') else float(cell)


def table_read(file):
    """Returns the names of the columns, the rows as (first cell, [numbers]), and the notes."""
    lines = [line.rstrip('\n') for line in file if line.strip()]
    notes = [line[1:].strip() for line in lines if line.startswith('#')]
    cells = [line.split('\t') for line in lines if not line.startswith('#')]
    if len(cells) < 2 or any(len(row) != len(cells[0]) for row in cells):
        sys.exit('plot: needs a line of names, and below it lines of as many cells')
    return cells[0], [(row[0], [number(cell) for cell in row[1:]]) for row in cells[1:]], notes


def digits(value):
    """Prints as many digits as a reader needs: 3.24, 27.5, 1,290."""
    if value == 0 or value >= 100:
        return f'{value:,.0f}'
    return f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def ticks(most, wanted=6):
    """Returns round values from 0 to the first that is not below the maximum."""
    rough = most / wanted
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough)
    return [step * i for i in range(math.ceil(most / step - 1e-9) + 1)]


def short(value):
    """Returns the label of a tick."""
    for size, letter in ((1e6, 'M'), (1e3, 'k')):
        if value >= 10 * size or value >= size and letter == 'M':
            return f'{value / size:g}{letter}'
    return f'{value:g}'


def text_width(words):
    return 7.4 * len(words)


# ---- Common parts ----

def heading(drawing, title, names):
    """Draws the title and, if there is more than one name, the legend. Returns where it ends."""
    drawing.text(MARGIN, 38, title, 'title')
    if len(names) < 2:
        return 56
    x, y = MARGIN, 54
    for name, colour in zip(names, COLOURS):
        if x + 17 + text_width(name) > WIDTH - MARGIN:
            x, y = MARGIN, y + 20
        drawing.rect(colour, x, y, 11, 11, 2)
        drawing.text(x + 17, y + 10, name)
        x += 17 + text_width(name) + 22
    return y + 28


def footing(drawing, y, notes):
    for note in notes:
        y += 18
        drawing.text(MARGIN, y, note, 'quiet')
    return y + 24


# ---- Bars ----

BAR, GAP = 20, 11


def bar(drawing, y, parts, scale, end, left):
    """Draws its parts, each with its figure where that fits. Returns where it ends."""
    x = left
    for part, colour in zip(parts, COLOURS):
        width = min((part or 0) * scale, end - x)
        if width <= 0:
            continue
        drawing.rect(colour, x, y, width, BAR)
        if len(parts) > 1 and width > text_width(digits(part)) + 8 and x + part * scale <= end:
            drawing.text(x + width / 2, y + 14.5, digits(part), 'inside', 'middle')
        x += width
    return x


def bars(options, names, rows, notes):
    total = {name: sum(part or 0 for part in parts) for name, parts in rows}
    if options.order != 'as-is':
        rows = sorted(rows, key=lambda row: total[row[0]], reverse=options.order == 'down')
    drawing = Drawing()
    left = MARGIN + max(text_width(name) for name, _ in rows) + 14
    right = WIDTH - MARGIN - 64
    marks = ticks(min(options.most or math.inf, max(total.values())))
    scale = (right - left) / marks[-1]
    top = heading(drawing, options.title, names[1:])
    bottom = top + len(rows) * (BAR + GAP)
    for mark in marks:
        x = left + mark * scale
        drawing.line(x, top - 4, x, bottom)
        drawing.text(x, bottom + 16, short(mark), 'quiet', 'middle')
    drawing.text(right + 64, bottom + 16, options.unit, 'quiet', 'end')
    for i, (name, parts) in enumerate(rows):
        y = top + i * (BAR + GAP) + GAP / 2
        kind = 'bold' if options.bold and name.startswith(options.bold) else ''
        drawing.text(left - 12, y + 14.5, name, kind, 'end')
        end = bar(drawing, y, parts, scale, right, left)
        if total[name] > marks[-1]:
            drawing.slash(right - 30, y, BAR)
        drawing.text(end + 7, y + 14.5, digits(total[name]), kind)
    height = footing(drawing, bottom + 20, notes)
    return drawing.svg(height, options.title)


# ---- Lines ----

class Axis:
    """Maps values to positions between two ends, and has its ticks."""

    def __init__(self, values, start, end, is_log):
        self.start, self.end, self.is_log = start, end, is_log
        if is_log:
            if min(values) <= 0:
                sys.exit('plot: there is no logarithm of what is not above 0')
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            high = max(high, low + 1)
            self.marks = [10.0 ** power for power in range(low, high + 1)]
        else:
            self.marks = ticks(max(values) or 1)

    def place(self, value):
        ends = [math.log10(mark) if self.is_log else mark for mark in (self.marks[0], self.marks[-1])]
        at = math.log10(value) if self.is_log else value
        return self.start + (at - ends[0]) / (ends[1] - ends[0]) * (self.end - self.start)


def lines(options, names, rows, notes):
    rows = [(float(x), values) for x, values in rows]
    values = [value for _, row in rows for value in row if value is not None]
    drawing = Drawing()
    top = heading(drawing, options.title, names[1:]) + 22
    bottom = top + 300
    left, right = MARGIN + 46, WIDTH - MARGIN - 10
    x_axis = Axis([x for x, _ in rows], left, right, options.log_x)
    y_axis = Axis(values, bottom, top, options.log_y)
    drawing.text(MARGIN, top - 14, options.y, 'quiet')
    for mark in y_axis.marks:
        y = y_axis.place(mark)
        drawing.line(left, y, right, y)
        drawing.text(left - 9, y + 4, short(mark), 'quiet', 'end')
    for mark in x_axis.marks:
        x = x_axis.place(mark)
        drawing.line(x, bottom, x, bottom + 5)
        drawing.text(x, bottom + 20, short(mark), 'quiet', 'middle')
    drawing.text(right, bottom + 38, options.x or names[0], 'quiet', 'end')
    for i, colour in enumerate(COLOURS[:len(names) - 1]):
        drawing.path(colour, [(x_axis.place(x), y_axis.place(row[i])) for x, row in rows if row[i] is not None])
    height = footing(drawing, bottom + 36, notes)
    return drawing.svg(height, options.title)


def options_read():
    parser = argparse.ArgumentParser(description='A table as an SVG; the head of this file says how.')
    parser.add_argument('kind', choices=('bars', 'lines'))
    parser.add_argument('--title', required=True)
    parser.add_argument('--unit', default='')
    parser.add_argument('--order', choices=('up', 'down', 'as-is'), default='up')
    parser.add_argument('--most', type=float)
    parser.add_argument('--bold')
    parser.add_argument('--x')
    parser.add_argument('--y', default='')
    parser.add_argument('--log-x', action='store_true')
    parser.add_argument('--log-y', action='store_true')
    return parser.parse_args()


def main():
    options = options_read()
    names, rows, notes = table_read(sys.stdin)
    if len(names) - 1 > len(COLOURS):
        sys.exit(f'plot: at most {len(COLOURS)} columns of figures')
    sys.stdout.write({'bars': bars, 'lines': lines}[options.kind](options, names, rows, notes))


if __name__ == '__main__':
    main()
