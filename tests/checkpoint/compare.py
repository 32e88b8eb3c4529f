#!/usr/bin/env python3
"""compare.py FULL FIRST SECOND: does a restored run go on as the run that was never stopped?

FULL, FIRST and SECOND name a recording (NAME.exits) and what the console showed (NAME.out): of the
uninterrupted run, of the run up to the checkpoint, and of the run from there on. A line is printed
for each thing that differs; the exit status is 1 if there is one. The format is in docs/exits.md.

What no two runs have in common is not compared: times, and what a file of counters has; how often the
date is looked at by one who waits for the next second; where input comes from outside, when it does,
which is seen in the order of accesses to serial ports (what they show is compared); of several vCPUs
their order, so the numbers of their calls and who stored in memory when.
"""
import re
import sys

# Of a guest that would go on until its time is over, as much is compared as both have.
ENDLESS = "timeout"
SHOWN = 5

CLOCKS = ("clock", "wall", "tsc")
PAGE = 4096
PIECES = re.compile(r'(console|log)( [a-z0-9_.-]+)? "(.*)"$')
COUNTERS = re.compile(r'file ("[^"]*\.stats") .*')
PASSING = re.compile(r"\b(time=|tsc=|exits=)[a-z0-9.:,-]+")
CALL_NUMBER = re.compile(r"\b(ptlcall )[0-9]+ ")
SERIAL_PORT = re.compile(r"(in|out) 0x[23]f[89a-f] ")
CMOS_INDEX, CMOS_DATA = "out 0x70 ", "in 0x71 "


class Event:
    """An exit of a vCPU, or something from outside: what came in, and what came of it."""

    def __init__(self, head):
        self.head = head
        self.registers = {}
        self.memory = []
        self.inputs = []
        self.effects = []
        self.timed = False

    def take_input(self, line):
        word, _, rest = line.partition(" ")
        if word == "regs":
            self.registers = dict(pair.split("=") for pair in rest.split())
        elif word == "memory":
            self.memory.append(memory_of(rest))
        elif word == "changed":
            self.memory.append(memory_of(rest.partition(" ")[2]))
        elif word in CLOCKS:
            self.timed = True
        else:
            self.inputs.append(line)

    def take_effect(self, line):
        """The lines of a text are cut by its length, which the masked parts change: join them."""
        piece = PIECES.match(line)
        last = PIECES.match(self.effects[-1]) if self.effects else None
        if piece and last and piece.group(1, 2) == last.group(1, 2):
            self.effects[-1] = last.group(0)[:-1] + piece.group(3) + '"'
        elif line.startswith("memory "):
            self.memory.append(memory_of(line.partition(" ")[2]))
            self.effects.append(line)
        else:
            self.effects.append(line)

    def finish(self, alone):
        """Once all of it is there: mask what no two runs have in common."""
        self.effects = [COUNTERS.sub(r"file \1", PASSING.sub(r"\1", line)) for line in self.effects]
        if not alone:
            self.effects = [CALL_NUMBER.sub(r"\1", line) for line in self.effects]

    def key(self):
        return self.head, self.inputs, self.effects

    def text(self):
        return "; ".join([self.head, *self.inputs, *self.effects])[:300]


def memory_of(words):
    address, text = words.split(" ", 1)
    if text.startswith('"'):
        plain = text[1:text.rindex('"')].encode()
        data = re.sub(rb"\\(x..|.)", unescape, plain)
    else:
        data = bytes.fromhex(text.split(" ", 1)[0])
    return int(address, 0), data


def unescape(match):
    word = match.group(1)
    if word[:1] == b"x":
        return bytes.fromhex(word[1:].decode())
    return {b"n": b"\n", b"t": b"\t"}.get(word, word)


class Recording:
    """Events by vCPU, from a file; (typed): something came from outside."""

    def __init__(self, name):
        self.vcpus = {}
        self.consoles = {}
        self.machine = []
        self.typed = False
        self.ended = ""
        self.report = []
        self.done = None
        event = None
        with open(name + ".exits", encoding="ascii") as file:
            for line in file:
                event = self.take_line(line.rstrip("\n"), event)
        for event in [event for events in self.vcpus.values() for event in events]:
            event.finish(len(self.vcpus) == 1)
            self.note_shown(event)

    def note_shown(self, event):
        for line in event.effects:
            piece = PIECES.match(line)
            if piece and piece.group(1) == "console":
                self.consoles.setdefault(piece.group(2), []).append(piece.group(3))

    def take_line(self, line, event):
        mark, _, rest = line.partition(" ")
        if mark == "<":
            event.take_input(rest)
            self.typed |= rest.startswith("typed ")
        elif mark == ">":
            event.take_effect(rest)
        elif mark in ("exits", "recorded", "start", "waits"):
            pass
        elif mark in ("machine", "device"):
            self.machine.append(line)
        elif mark == "typed":
            self.typed = True
            return Event("typed")
        elif mark == "ended":
            self.ended = rest
            return Event("ended")
        elif mark == "report":
            self.report.append(rest)
        elif mark == "done":
            self.done = int(rest)
        else:
            return self.take_exit(line)
        return event

    def take_exit(self, line):
        line = line.rpartition(" ; ")[0]
        vcpu = 0
        if line.startswith("@"):
            number, _, line = line.partition(" ")
            vcpu = int(number[1:])
        event = Event(line)
        self.vcpus.setdefault(vcpu, []).append(event)
        return event


class State:
    """What a recording has told of registers and memory; at first all of it is zero."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.registers = {}
        self.pages = {}

    def take(self, event):
        self.registers.update(event.registers)
        for address, data in event.memory:
            for at, byte in enumerate(data, address):
                self.pages.setdefault(at // PAGE, bytearray(PAGE))[at % PAGE] = byte

    def register(self, name):
        return self.registers.get(name, "0x0")

    def memory(self, address, length):
        return bytes(self.pages[at // PAGE][at % PAGE] if at // PAGE in self.pages else 0
                     for at in range(address, address + length))


class Comparison:
    """Of the events of one vCPU, in lockstep. Registers and memory are recorded where they have
    changed since they were last looked at: what one side tells, the other must have told before."""

    def __init__(self, vcpu, alone):
        self.vcpu = vcpu
        self.alone = alone
        self.differences = []

    def say(self, number, text):
        self.differences.append(f"vCPU {self.vcpu}, exit {number}: {text}")

    def run(self, whole, parts, boundary, endless):
        states = State(), State()
        for number, pair in enumerate(zip(whole, parts), 1):
            if number == boundary + 1:
                states[1].clear()
            for state, event in zip(states, pair):
                state.take(event)
            if pair[0].key() != pair[1].key():
                self.say(number, f"{pair[0].text()} | restored: {pair[1].text()}")
                return
            self.compare_told(number, pair, states)
        if len(whole) != len(parts) and not endless:
            self.say(min(len(whole), len(parts)) + 1,
                     f"{len(whole)} exits in one run, {len(parts)} in two")

    def compare_told(self, number, pair, states):
        for name in {**pair[0].registers, **pair[1].registers}:
            values = [state.register(name) for state in states]
            if values[0] != values[1]:
                self.say(number, f"{pair[0].head}: {name}={values[0]} | restored: {values[1]}")
        # Who else stored there, and when, is not in the events of this vCPU.
        ranges = pair[0].memory + pair[1].memory if self.alone else []
        for address, data in ranges:
            values = [state.memory(address, len(data)) for state in states]
            if values[0] != values[1]:
                self.say(number, f"{pair[0].head}: memory at {address:#x} differs")


def is_date(event):
    return event.timed and event.head.startswith(CMOS_DATA)


def comparable(events, typed):
    """Without the exits whose number, or order, is another one in every run."""
    if typed:
        events = [event for event in events if not SERIAL_PORT.match(event.head)]
    return [event for event, after in zip(events, [*events[1:], None])
            if not is_date(event)
            and not (after and is_date(after) and event.head.startswith(CMOS_INDEX))]


def compare_exits(full, first, second):
    alone = len(full.vcpus) == 1
    endless = full.ended == ENDLESS
    for vcpu in sorted({*full.vcpus, *first.vcpus, *second.vcpus}):
        events = [run.vcpus.get(vcpu, []) for run in (full, first, second)]
        second_begins = events[2][0] if events[2] else None
        whole = comparable(events[0], full.typed)
        parts = comparable(events[1] + events[2], full.typed)
        comparison = Comparison(vcpu, alone)
        comparison.run(whole, parts, boundary, endless)
        yield from comparison.differences


def compare_consoles(full, first, second):
    """What each was shown; that of stdout is compared where it arrived."""
    for name in sorted(name for name in {**full.consoles, **first.consoles, **second.consoles} if name):
        texts = ["".join(sum((run.consoles.get(name, []) for run in runs), []))
                 for runs in ([full], [first, second])]
        if texts[0] != texts[1]:
            yield f"{name.strip()} was shown {texts[0][-80:]} | restored: {texts[1][-80:]}"


def compare_reports(full, second):
    """Up to the last exits, which a restored run has only of its own, with its own numbers."""
    parts = [split_report(run.report) for run in (full, second)]
    if parts[0][0] != parts[1][0]:
        changed = [pair for pair in zip(parts[0][0], parts[1][0]) if pair[0] != pair[1]]
        yield f"the crash report differs: {changed[:2]}"
    count = min(len(lines) for _, lines in parts)
    if parts[0][1][-count:] != parts[1][1][-count:]:
        yield "the last exits of the crash report differ"


def split_report(lines):
    place = lines.index('"last exits:"') if '"last exits:"' in lines else len(lines)
    return lines[:place], [re.sub(r'^" *\d+', "", line) for line in lines[place + 1:]]


def read(name):
    with open(name + ".out", "rb") as file:
        return file.read()


def compare_console(names, endless):
    whole, parts = read(names[0]), read(names[1]) + read(names[2])
    length = min(len(whole), len(parts)) if endless else max(len(whole), len(parts))
    if whole[:length] != parts[:length]:
        same = next((i for i, pair in enumerate(zip(whole, parts)) if pair[0] != pair[1]),
                    min(len(whole), len(parts)))
        yield (f"the console differs at byte {same} of {len(whole)}: {whole[same:same + 40]!r}"
               f" | restored: {parts[same:same + 40]!r}")


def compare(names):
    full, first, second = (Recording(name) for name in names)
    if not full.machine == first.machine == second.machine:
        yield "the machines differ"
    if full.ended != second.ended:
        yield f"it ended by {full.ended} | restored: {second.ended}"
    yield from compare_console(names, full.ended == ENDLESS)
    yield from compare_consoles(full, first, second)
    yield from compare_exits(full, first, second)
    yield from compare_reports(full, second)


def main():
    differences = list(compare(sys.argv[1:4]))
    for difference in differences[:SHOWN]:
        print(difference)
    if len(differences) > SHOWN:
        print(f"… {len(differences) - SHOWN} more")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
