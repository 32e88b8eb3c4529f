#!/usr/bin/env python3
"""Checks what --trace writes; prints a line for each thing that is wrong.

check.py whole TRACE STATS LOG  a finished trace, against --stats=json and the log of the ptlcalls
check.py broken TRACE           a trace whose monitor was killed
"""
import collections
import decimal
import json
import re
import sys

KEYS = {"name", "ph", "pid", "tid", "ts"}
POST_PORT = "0x80"


def parse(text):
    """The times stay what is written: microseconds with three decimals."""
    return json.loads(text, parse_float=decimal.Decimal)


def event_complaints(events):
    for event in events:
        missing = KEYS - event.keys()
        if missing:
            yield f"no {missing}: {event}"
        elif event["ph"] not in "MXiC":
            yield f"an event of another kind: {event}"
        elif event["ts"] < 0 or event.get("dur", 0) < 0:
            yield f"a negative time: {event}"
        elif event["ph"] == "X" and "dur" not in event:
            yield f"a slice without a duration: {event}"


def tracks_of(events):
    tracks = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            tracks[event["tid"]].append(event)
    return tracks


def name_complaints(events):
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    if [e["name"] for e in events].count("process_name") != 1:
        yield "not one process_name"
    for tid in tracks_of(events):
        if names.get(tid) != f"vCPU {tid - 1}":
            yield f"track {tid} is called {names.get(tid)}"


def slice_complaints(events):
    """Guest and handler take turns, each handler after its guest, and nothing overlaps."""
    for tid, slices in tracks_of(events).items():
        end = 0
        for index, event in enumerate(slices):
            is_guest = index % 2 == 0
            if (event["name"] == "guest") != is_guest:
                yield f"track {tid}: slice {index} is not in its turn: {event}"
            if event["ts"] < end or (not is_guest and event["ts"] != end):
                yield f"track {tid}: slice {index} does not follow the end at {end}: {event}"
            end = event["ts"] + event["dur"]
        if len(slices) % 2:
            yield f"track {tid}: the last time in the guest has no exit"


def exits_of(events):
    return [e for e in events if e["ph"] == "X" and e["name"] != "guest"]


def count_complaints(events, stats):
    """What was traced is what was counted, by reason, and so say the last samples."""
    reasons = collections.Counter(e["args"]["reason"] for e in exits_of(events))
    counted = {r["reason"]: r["exits"] for r in stats["reasons"]}
    sampled = {}
    for event in events:
        if event["ph"] == "C":
            sampled[event["name"].removeprefix("exits ")] = event["args"]["total"]
    if reasons != counted:
        yield f"traced {dict(reasons)}, counted {counted}"
    if sampled != counted:
        yield f"sampled at the end {sampled}, counted {counted}"


def device_complaints(events, stats):
    """Slices are named by the devices that the statistics name."""
    devices = collections.Counter()
    for address in stats["addresses"]:
        if address["device"] != "unclaimed":
            devices[address["device"]] += address["exits"]
    names = collections.Counter(e["name"] for e in exits_of(events))
    for device, exits in devices.items():
        if names[device] != exits:
            yield f"{names[device]} slices of {device}, counted {exits}"


def milestone_complaints(events, log):
    """Markers are those of the log; POST codes are the bytes written to their port."""
    instants = collections.Counter(e["name"] for e in events if e["ph"] == "i")
    expected = collections.Counter()
    for value in map(int, re.findall(r" op=MARKER id=(\d+) ", log)):
        expected[f"marker {value} ({value:#x})"] += 1
    for event in exits_of(events):
        arguments = event["args"]
        if arguments.get("port") == POST_PORT and arguments["access"] == "write":
            value = int(arguments["data"], 16)
            expected[f"post {value} ({value:#x})"] += 1
    if instants != expected:
        yield f"instants {dict(instants)}, not {dict(expected)}"


def complaints_of_any(events):
    yield from event_complaints(events)
    yield from name_complaints(events)
    yield from slice_complaints(events)
    if not exits_of(events):
        yield "no exits"


def complaints(mode, trace, *files):
    with open(trace, encoding="utf-8") as file:
        text = file.read()
    if mode == "broken":
        if text.endswith("\n]\n"):
            yield "the trace has an end"
        yield from complaints_of_any(parse(text + "\n]"))
        return
    events = parse(text)
    yield from complaints_of_any(events)
    with open(files[0], encoding="utf-8") as file:
        stats = json.load(file)
    yield from count_complaints(events, stats)
    yield from device_complaints(events, stats)
    with open(files[1], encoding="utf-8") as file:
        yield from milestone_complaints(events, file.read())


if __name__ == "__main__":
    for count, complaint in enumerate(complaints(*sys.argv[1:])):
        if count == 5:
            print("and more")
            break
        print(complaint)
