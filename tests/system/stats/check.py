#!/usr/bin/env python3
"""Checks what --stats=json writes; prints a line for each thing that is wrong.

check.py SCHEMA schema          is SCHEMA a JSON Schema?
check.py SCHEMA report FILE     does FILE keep to it, and do its numbers add up?
check.py SCHEMA refusals FILE   does SCHEMA refuse what differs a little from FILE?
"""
import copy
import json
import sys

import jsonschema

TIMES = ("run_ns", "handle_ns")
LIMIT = 2**64 - 1

# After each of these it is not schema 2.
CHANGES = {
    "schema 1": lambda stats: stats.update(schema=1),
    "no count of exits": lambda stats: stats.pop("exits"),
    "times without a percentile": lambda stats: stats["reasons"][0]["handle_ns"].pop("p99"),
    "an address without times": lambda stats: stats["addresses"][0].pop("run_ns"),
    "a negative count": lambda stats: stats.update(unclaimed=-1),
    "a fraction": lambda stats: stats["further"]["run_ns"].update(max=0.5),
    "an address as a string": lambda stats: stats["addresses"][0].update(address="0x3f8"),
    "a number of 65 bits": lambda stats: stats["run_ns"].update(sum=LIMIT + 1),
    "a third space": lambda stats: stats["addresses"][0].update(space="disk"),
    "a reason without exits": lambda stats: stats["reasons"][0].update(exits=0),
}


def closed(schema):
    """The schema as it is today: no key that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object":
        result["additionalProperties"] = False
    return result


def schema_complaints(schema, stats):
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(stats):
        path = "/".join(str(part) for part in error.absolute_path)
        yield f"{path or 'the whole'}: {error.message}"


def times_complaints(where, tally):
    for name in TIMES:
        times = tally[name]
        order = [times[key] for key in ("min", "median", "p99", "max")]
        least = min(tally["exits"] * times["min"], LIMIT)
        if order != sorted(order):
            yield f"{where}: {name}: not min <= median <= p99 <= max"
        if not least <= times["sum"] <= tally["exits"] * times["max"]:
            yield f"{where}: {name}: no such times have this sum"


def sum_complaints(name, whole, parts):
    """Counts and times of (parts) give those of (whole)."""
    if whole["exits"] != sum(part["exits"] for part in parts):
        yield f"{name}: exits do not add up"
    for times in TIMES:
        if whole[times]["sum"] != min(sum(part[times]["sum"] for part in parts), LIMIT):
            yield f"{name}: sums of {times} do not add up"
        counted = [part[times] for part in parts if part["exits"]]
        if counted and whole[times]["min"] != min(part["min"] for part in counted):
            yield f"{name}: min of {times} is nobody's"
        if counted and whole[times]["max"] != max(part["max"] for part in counted):
            yield f"{name}: max of {times} is nobody's"


def number_complaints(stats):
    reasons, places = stats["reasons"], stats["addresses"]
    keys = [(place["space"] == "memory", place["address"]) for place in places]
    accesses = [reason for reason in reasons if reason["reason"] in ("io", "mmio")]

    yield from times_complaints("the whole", stats)
    for reason in reasons:
        yield from times_complaints(reason["reason"], reason)
    for place in places:
        yield from times_complaints(f"{place['space']} {place['address']:#x}", place)
    yield from times_complaints("further", stats["further"])
    yield from sum_complaints("reasons", stats, reasons)
    if accesses:
        total = {"exits": sum(reason["exits"] for reason in accesses)}
        for name in TIMES:
            total[name] = {
                "sum": sum(reason[name]["sum"] for reason in accesses),
                "min": min(reason[name]["min"] for reason in accesses),
                "max": max(reason[name]["max"] for reason in accesses),
            }
        yield from sum_complaints("addresses", total, places + [stats["further"]])
    if keys != sorted(set(keys)):
        yield "addresses: not sorted, or one twice"
    if stats["exits"] == 0:
        yield "no exits"


def report_complaints(schema, stats):
    complaints = list(schema_complaints(closed(schema), stats))
    return complaints or number_complaints(stats)


def refusal_complaints(schema, stats):
    for name, change in CHANGES.items():
        changed = copy.deepcopy(stats)
        change(changed)
        if not list(schema_complaints(schema, changed)):
            yield f"accepted: {name}"
    if list(schema_complaints(schema, dict(stats, added=1))):
        yield "refused: a key that was added"


def main(schema_path, mode, stats_path=None):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    if mode == "schema":
        jsonschema.validators.validator_for(schema).check_schema(schema)
        return
    with open(stats_path, encoding="utf-8") as file:
        stats = json.load(file)
    check = {"report": report_complaints, "refusals": refusal_complaints}[mode]
    for complaint in check(schema, stats):
        print(complaint)


if __name__ == "__main__":
    main(*sys.argv[1:])
