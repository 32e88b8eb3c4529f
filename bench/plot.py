"""results.svg: each ratio as a dot with its spread, beside its target.

There are two scales: a linear one for measures that lie close to 1, a logarithmic one for the others.
"""

from html import escape
from math import ceil, floor, log10

ROW, TOP, GAP, LEFT, WIDTH, RIGHT = 22, 36, 58, 420, 480, 80
NEAR = (0.9, 1.3)
JUDGED, BESIDE, TARGET, FAINT = "#0b5fa5", "#c8671b", "#b00020", 'fill="#555"'


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2, extra):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {extra}/>'


class Linear:
    name = "ratio"
    ticks = [0.9, 1, 1.1, 1.2, 1.3]

    def x(self, value):
        part = (value - NEAR[0]) / (NEAR[1] - NEAR[0])
        return LEFT + WIDTH * min(1, max(0, part))


class Logarithmic:
    name = "ratio, logarithmic"

    def __init__(self, values):
        self.low = floor(log10(min(values)))
        self.high = max(self.low + 1, ceil(log10(max(values))))
        self.ticks = [10 ** decade for decade in range(self.low, self.high + 1)]

    def x(self, value):
        return LEFT + WIDTH * (log10(value) - self.low) / (self.high - self.low)


def limits(results):
    return [result["limit"] for result in results if result["limit"] is not None]


def is_near(result):
    values = [taken["median"] for taken in result["figures"].values()] + limits([result])
    return all(NEAR[0] <= value <= NEAR[1] for value in values)


def order(result):
    """The judged subject first."""
    return sorted(result["figures"], key=lambda name: name != result["judged"])


def row(scale, y, result, name):
    taken = result["figures"][name]
    judged = name == result["judged"]
    colour = JUDGED if judged else BESIDE
    right = scale.x(taken["high"])
    if judged and result["limit"] is not None:
        target = scale.x(result["limit"])
        right = max(right, target)
        yield line(target, y - 8, target, y + 8, f'stroke="{TARGET}" stroke-width="2"')
    yield text(LEFT - 8, y + 4, f"{result['title']}: {name}" if judged else name, "end",
               "" if judged else FAINT)
    yield line(scale.x(taken["low"]), y, scale.x(taken["high"]), y,
               f'stroke="{colour}" stroke-width="3" stroke-opacity="0.5"')
    yield f'<circle cx="{scale.x(taken["median"]):.1f}" cy="{y}" r="4" fill="{colour}"/>'
    yield text(right + 8, y + 4,
               f"{taken['median']:.3f}" if taken["median"] < 10 else f"{taken['median']:.0f}")


def panel(scale, top, results):
    """The SVG of some results, and its lower edge."""
    rows = [(result, name) for result in results for name in order(result)]
    bottom = top + ROW * len(rows)
    parts = []
    for tick in scale.ticks:
        colour = "#555" if tick == 1 else "#ddd"
        parts += [line(scale.x(tick), top, scale.x(tick), bottom, f'stroke="{colour}"'),
                  text(scale.x(tick), bottom + 16, f"{tick:g}", "middle", FAINT)]
    for index, (result, name) in enumerate(rows):
        parts += row(scale, top + ROW * index + ROW // 2, result, name)
    parts.append(text(LEFT + WIDTH / 2, bottom + 32, scale.name, "middle", FAINT))
    return parts, bottom


def svg(results):
    ratios = [result for result in results if result["figure"] == "ratio" and result["figures"]]
    near = [result for result in ratios if is_near(result)]
    far = [result for result in ratios if not is_near(result)]
    parts, bottom = [], TOP - GAP
    if near:
        parts, bottom = panel(Linear(), TOP, near)
    if far:
        values = [taken[end] for result in far for taken in result["figures"].values()
                  for end in ("low", "high")]
        scale = Logarithmic(values + limits(far) + [1])
        more, bottom = panel(scale, bottom + GAP, far)
        parts += more
    width, height = LEFT + WIDTH + RIGHT, bottom + GAP - 14
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(10, 20, "Ratios in one run: the dot is the median of all turns, the band the middle 80 % of "
             "them, the red bar the target", extra='font-weight="bold"'),
        *parts, "</svg>"]) + "\n"
