"""Results for people: the table on the terminal and results.md."""

NUMBER = {"ratio": "{:.3f}", "difference": "{:.0f}", "value": "{:.2f}"}
SMALL, SMALL_NUMBER = 0.1, "{:.4f}"  # ratios below


def target(result):
    if result["limit"] is None:
        return "–"
    sign = "≥" if result["at_least"] else "≤"
    return f"{sign} {result['limit']:.4g}{result['limit_unit']}"


def figure(result, name):
    """`1.012 (1.003 … 1.024)`, or the reason why it is missing."""
    taken = result["figures"].get(name)
    if not taken:
        return "–"
    small = result["figure"] == "ratio" and taken["median"] < SMALL
    one = SMALL_NUMBER if small else NUMBER[result["figure"]]
    text = one.format(taken["median"])
    if taken["count"] > 1:
        text += f" ({one.format(taken['low'])} … {one.format(taken['high'])})"
    return text


def verdict(result):
    if not result["figures"].get(result["judged"]):
        return "failed" if result["failed"] else "skipped"
    if "met" not in result:
        return "–"
    return "met" if result["met"] else "missed"


def others(result):
    """The subjects with a figure but without a target."""
    return ", ".join(f"{name} {figure(result, name)}" for name in result["figures"]
                     if name != result["judged"]) or "–"


def table(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header),
            *("| " + " | ".join(row) + " |" for row in rows)]


def figure_table(results):
    return table(["measure", "target", "measured", "", "beside it"],
                 [[result["title"], target(result), figure(result, result["judged"]),
                   verdict(result), others(result)] for result in results])


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def subject_table(results):
    return table(["measure", "subject", "unit", "median", "p99", "samples", "turns"],
                 [[result["key"], name, result["unit"], number(taken["median"]),
                   number(taken["p99"]), str(taken["count"]), str(len(taken["turns"]))]
                  for result in results for name, taken in result["subjects"].items()])


def reason_lines(results, which):
    """By subject: the measures and reasons; (which) is skipped or failed."""
    keys = {}
    for result in results:
        for name, reason in result[which].items():
            keys.setdefault((name, reason), []).append(result["key"])
    return [f"- {name} ({', '.join(of)}): {reason}" for (name, reason), of in keys.items()]


def host_lines(host):
    return [f"- {name}: {value}" for name, value in host.items()]


def markdown(host, results):
    skipped = reason_lines(results, "skipped")
    return "\n".join([
        "# Results of `make bench`", "",
        "Written by `bench/run`. [docs/bench.md](../docs/bench.md) says what is measured, and how to "
        "read this.", "",
        *host_lines(host), "",
        "## Figures", "",
        "The median over all turns and, in brackets, from where to where the middle 80 % of them lie.",
        "", *figure_table(results), "",
        "![the ratios](results.svg)", "",
        *(["Skipped:", "", *skipped, ""] if skipped else []),
        "## Subjects", "",
        "Absolute numbers are of this machine at that moment.", "",
        *subject_table(results), ""])


def terminal(result):
    """Print one line, as soon as its result is known."""
    line = f"{verdict(result):8} {result['title']}: {figure(result, result['judged'])}, " \
           f"target {target(result)}"
    beside = others(result)
    return line if beside == "–" else f"{line}; {beside}"
