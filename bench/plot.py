"""results.svg: each ratio as a dot with its spread, on a logarithmic scale, beside its target."""

from html import escape
from math import ceil, floor, log10

ROW, TOP, BOTTOM, LEFT, WIDTH, RIGHT = 22, 40, 44, 420, 480, 30
COLOURS = ["#0b5fa5", "#c8671b", "#7a7a7a", "#3c8d40"]


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2, extra):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {extra}/>'


def rows_of(results):
    """(result, subject) of each row: what is set to a base."""
    return [(result, name) for result in results if result["figure"] == "ratio"
            for name in result["figures"]]


class Scale:
    def __init__(self, values):
        self.low = floor(log10(min(values)))
        self.high = max(self.low + 1, ceil(log10(max(values))))

    def x(self, value):
        return LEFT + WIDTH * (log10(value) - self.low) / (self.high - self.low)

    def ticks(self):
        return [step * 10 ** decade for decade in range(self.low, self.high)
                for step in (1, 2, 5)] + [10 ** self.high]


def grid(scale, bottom):
    for tick in scale.ticks():
        dark = 'stroke="#555"' if tick == 1 else 'stroke="#ddd"'
        yield line(scale.x(tick), TOP, scale.x(tick), bottom, dark)
        yield text(scale.x(tick), bottom + 16, f"{tick:g}", "middle", 'fill="#555"')


def row(scale, y, result, name):
    taken = result["figures"][name]
    judged = name == result["judged"]
    colour = COLOURS[0] if judged else COLOURS[1]
    if judged:
        x = scale.x(result["limit"])
        yield line(x, y - 8, x, y + 8, 'stroke="#b00020" stroke-width="2"')
    yield text(LEFT - 8, y + 4, f"{result['title']}: {name}" if judged else name, "end",
               "" if judged else 'fill="#555"')
    yield line(scale.x(taken["low"]), y, scale.x(taken["high"]), y,
               f'stroke="{colour}" stroke-width="3" stroke-opacity="0.5"')
    yield f'<circle cx="{scale.x(taken["median"]):.1f}" cy="{y}" r="4" fill="{colour}">' \
          f'<title>{taken["median"]:.3f}</title></circle>'
    yield text(scale.x(max(taken["high"], result["limit"] if judged else 0)) + 8, y + 4,
               f"{taken['median']:.3f}" if taken["median"] < 10 else f"{taken['median']:.0f}")


def svg(results):
    rows = rows_of(results)
    values = [result["figures"][name][end] for result, name in rows for end in ("low", "high")]
    values += [result["limit"] for result, _ in rows] + [1]
    scale = Scale(values)
    bottom = TOP + ROW * len(rows)
    width, height = LEFT + WIDTH + RIGHT + 30, bottom + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             text(10, 20, "Ratios in one run; the red bar is the target, the band the middle 80 % of "
                  "turns", extra='font-weight="bold"'), *grid(scale, bottom)]
    for index, (result, name) in enumerate(rows):
        parts += row(scale, TOP + ROW * index + ROW // 2, result, name)
    parts += [text(LEFT + WIDTH / 2, bottom + 34, "ratio, logarithmic", "middle", 'fill="#555"'),
              "</svg>"]
    return "\n".join(parts) + "\n"
