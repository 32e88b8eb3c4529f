#!/usr/bin/env python3
"""The logs of checkpoint-smp: no call of any CPU is lost, doubled or out of order.

calls.py whole LOG CPUS              of a run that went on
calls.py parts LOG LOG CPUS FILE     up to the checkpoint FILE, then of the copy
"""
import re
import sys

CALLS = 1000
LINE = re.compile(
    r'ptlcall (\d+) vcpu=(\d) via=(?:mmio|port) op='
    r'(?:LOG text="cpu (\d) call (\d+)" result=5'
    r'|CHECKPOINT name="(roi-\d)" action=0 result=later)')
TAKEN = re.compile(r'ptlcall (\d+) checkpoint="(roi-\d)\.core" result=3')


def read(path):
    with open(path, encoding="ascii", errors="replace") as log:
        return log.read().splitlines()


def until(lines, name):
    """The lines before the copy's checkpoint: up to the one that reports its file."""
    for index, line in enumerate(lines):
        taken = TAKEN.fullmatch(line)
        if taken and taken.group(2) + ".core" == name:
            return lines[:index]
    sys.exit(f"no line tells of {name}")


def check(lines, cpus):
    """Complaints of a whole log."""
    calls = [0] * cpus
    number = 0
    asked = {}
    for line in lines:
        call, taken = LINE.fullmatch(line), TAKEN.fullmatch(line)
        if call:
            number += 1
            if int(call.group(1)) != number:
                yield f"call {number} has another number: {line}"
                return
            if call.group(5):
                asked[call.group(5)] = number
            elif call.group(2) != call.group(3) or int(call.group(4)) != calls[int(call.group(3))]:
                yield f"not the next call of that CPU: {line}"
                return
            else:
                calls[int(call.group(3))] += 1
        elif taken:
            if asked.pop(taken.group(2), None) != int(taken.group(1)):
                yield f"nobody asked for it by that call, or twice: {line}"
        else:
            yield f"an unknown line: {line}"
            return
    if calls != [CALLS] * cpus:
        yield f"not all calls were made: {calls}"


def main():
    if sys.argv[1] == "whole":
        lines, cpus = read(sys.argv[2]), int(sys.argv[3])
    else:
        lines = until(read(sys.argv[2]), sys.argv[5]) + read(sys.argv[3])
        cpus = int(sys.argv[4])
    for complaint in check(lines, cpus):
        print(" ".join(sys.argv[1:]) + ": " + complaint)


main()
