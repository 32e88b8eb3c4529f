"""Running subjects in turn, and the statistics of their numbers."""

import statistics
from dataclasses import dataclass, field

from measures import RATIO, VALUE
from tools import Failed, Skip


def quantile(numbers, part):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass
class Numbers:
    """Of one subject: all of its numbers, and the median of each turn by the turn's number."""
    all: list = field(default_factory=list)
    turns: dict = field(default_factory=dict)

    def add(self, turn, numbers):
        self.all += numbers
        self.turns[turn] = statistics.median(numbers)

    def summary(self):
        return {"median": statistics.median(self.all), "p99": quantile(self.all, 0.99),
                "count": len(self.all), "turns": list(self.turns.values())}


def figures(measure, numbers, name):
    """The figure of each turn in which both subjects ran."""
    own = numbers[name].turns
    if measure.figure == VALUE:
        return list(own.values())
    base = numbers[measure.base].turns
    pairs = [(own[turn], base[turn]) for turn in own if turn in base]
    if measure.figure == RATIO:
        return [left / right for left, right in pairs]
    return [left - right for left, right in pairs]


def spread(numbers):
    return {"median": statistics.median(numbers), "low": quantile(numbers, 0.1),
            "high": quantile(numbers, 0.9), "count": len(numbers)}


def take_turns(measure, tools):
    """
    Numbers of each subject, why others have none, and which of our own failed. Turn 0 is the warm-up, in
    which slow ones have no part: a peer has been tried before.
    """
    numbers, skipped, failed = {}, {}, {}
    order = list(measure.subjects)
    turns = measure.turns[1 if tools.quick else 0]
    for turn in range(turns + 1) if turns > 1 else [1]:
        for subject in order:
            due = (turn - 1) % subject.every == 0
            if not due or subject.name in skipped or subject.name in failed:
                continue
            try:
                taken = subject.run(tools)
            except Skip as reason:
                skipped[subject.name] = str(reason)
                continue
            except Failed as reason:
                (skipped if subject.peer else failed)[subject.name] = str(reason)
                numbers.pop(subject.name, None)
                continue
            if turn > 0:
                numbers.setdefault(subject.name, Numbers()).add(turn, taken)
        order.reverse()
    return numbers, skipped, failed


def run(measure, tools):
    """The whole result, as in results.json."""
    taken, skipped, failed = take_turns(measure, tools)
    numbers = {subject.name: taken[subject.name] for subject in measure.subjects
               if subject.name in taken}
    result = {
        "key": measure.key, "title": measure.title, "unit": measure.unit, "figure": measure.figure,
        "limit": measure.limit, "limit_unit": measure.limit_unit, "at_least": measure.at_least,
        "judged": measure.judged, "base": measure.base, "skipped": skipped, "failed": failed,
        "subjects": {name: own.summary() for name, own in numbers.items()}, "figures": {},
    }
    for name in numbers:
        if name != measure.base and (measure.figure == VALUE or measure.base in numbers):
            result["figures"][name] = spread(figures(measure, numbers, name))
    judged = result["figures"].get(measure.judged)
    if judged and measure.limit is not None:
        met = judged["median"] >= measure.limit if measure.at_least else \
            judged["median"] <= measure.limit
        result["met"] = met
    return result
