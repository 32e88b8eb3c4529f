#!/usr/bin/env python3
"""compare.py FOLDER EXITS...: do restored runs continue like the run that was never stopped?

FOLDER has recordings (NAME.exits) and what stdout got (NAME.out): full, of the uninterrupted run; for
each EXITS first-EXITS, of the run up to the checkpoint, and second-EXITS, of the run from there on.
Prints a line for each thing that differs; the exit status is 1 if there is one. The format of
recordings is in docs/exits.md.

What no two runs have in common is not compared:
- times, and the counters in files;
- how often the date is read, by who waits for the next second;
- when a timer goes off: deadlines, and how often the count of an alarm is read, or its interrupt acknowledged;
- when input comes from outside: then accesses to serial ports are compared by what the ports show;
- with several vCPUs their order: the numbers of their calls, and who stored in memory when.
"""
import re
import sys

SHOWN = 5
PAGE = 4096

TIMEOUT = "timeout"
CLOCKS = ("clock", "wall", "tsc")
PIECE = re.compile(r'(console|log)( [a-z0-9_.-]+)? "(.*)"$')
COUNTERS = re.compile(r'file ("[^"]*\.stats") .*')
TIMES = re.compile(r"\b(time=|tsc=|exits=)[a-z0-9.:,-]+")
CALL_NUMBER = re.compile(r"\b(ptlcall )[0-9]+ ")
ALARM_PORT = re.compile(r"(in 0xda8|out 0xdac) ")
SERIAL_PORT = re.compile(r"(in|out) 0x[23]f[89a-f] ")
CMOS_INDEX, CMOS_DATA = "out 0x70 ", "in 0x71 "
ESCAPE = re.compile(rb"\\(x..|.)")


class Exit:
    """An exit of a recording (source): its inputs and effects."""

    def __init__(self, source, head):
        self.source = source
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
        if line.startswith("timer "):
            return
        if line.startswith("memory "):
            self.memory.append(memory_of(line.partition(" ")[2]))
        piece = PIECE.match(line)
        last = PIECE.match(self.effects[-1]) if piece and self.effects else None
        # A text is cut where its length says so, and times are of any length.
        if last and last.group(1, 2) == piece.group(1, 2):
            self.effects[-1] = last.group(0)[:-1] + piece.group(3) + '"'
        else:
            self.effects.append(line)

    def mask(self, alone):
        for at, line in enumerate(self.effects):
            if line.startswith("log"):
                line = TIMES.sub(r"\1", line)
                self.effects[at] = line if alone else CALL_NUMBER.sub(r"\1", line)
            elif line.startswith("file"):
                self.effects[at] = COUNTERS.sub(r"file \1", line)

    def content(self):
        return self.head, self.inputs, self.effects

    def is_date(self):
        return self.timed and self.head.startswith(CMOS_DATA)

    def __str__(self):
        return "; ".join([self.head, *self.inputs, *self.effects])[:300]


NO_EXIT = Exit(None, "")


def memory_of(words):
    address, data = words.split(" ", 1)
    if data.startswith('"'):
        return int(address, 0), ESCAPE.sub(unescape, data[1:data.rindex('"')].encode())
    return int(address, 0), bytes.fromhex(data.split(" ", 1)[0])


def unescape(match):
    word = match.group(1)
    if word[:1] == b"x":
        return bytes.fromhex(word[1:].decode())
    return {b"n": b"\n", b"t": b"\t"}.get(word, word)


class Recording:
    """The exits of each vCPU, and the lines about the whole run."""

    def __init__(self, name):
        self.vcpus = {}
        self.machine = []
        self.alone = True
        self.typed = False  # input came from outside
        self.ended = ""
        self.report = []
        with open(name + ".out", "rb") as file:
            self.stdout = file.read()
        with open(name + ".exits", encoding="ascii") as file:
            self.take_lines(file)
        for each in self.exits():
            each.mask(self.alone)

    def exits(self):
        return [each for vcpu in self.vcpus.values() for each in vcpu]

    def take_lines(self, lines):
        current = None
        for line in lines:
            line = line.rstrip("\n")
            mark, _, rest = line.partition(" ")
            if mark == "<":
                current.take_input(rest)
                self.typed |= rest.startswith("typed ")
            elif mark == ">":
                current.take_effect(rest)
            elif " ; " in line and mark != "typed":
                current = self.take_exit(line.rpartition(" ; ")[0])
            else:
                current = Exit(self, line)  # from outside: what comes of it is of no vCPU
                self.take_other(mark, rest)

    def take_exit(self, line):
        vcpu = 0
        if line.startswith("@"):
            number, _, line = line.partition(" ")
            vcpu = int(number[1:])
        new = Exit(self, line)
        self.vcpus.setdefault(vcpu, []).append(new)
        return new

    def take_other(self, mark, rest):
        if mark in ("machine", "device"):
            self.machine.append(rest)
            self.alone &= mark == "device" or "cpus=1" in rest.split()
        elif mark == "typed":
            self.typed = True
        elif mark == "ended":
            self.ended = rest
        elif mark == "report":
            self.report.append(rest)

    def shown(self):
        """What each console but stdout's was shown, by its name."""
        texts = {}
        for line in [line for each in self.exits() for line in each.effects]:
            piece = PIECE.match(line)
            if piece and piece.group(1) == "console" and piece.group(2):
                texts[piece.group(2)] = texts.get(piece.group(2), "") + piece.group(3)
        return texts


class State:
    """The registers and memory known from a recording. At first all of it is zero."""

    def __init__(self):
        self.clear(None)

    def clear(self, source):
        self.source = source
        self.registers = {}
        self.pages = {}

    def take(self, new):
        if new.source is not self.source:
            self.clear(new.source)
        self.registers.update(new.registers)
        for address, data in new.memory:
            for at, byte in enumerate(data, address):
                self.pages.setdefault(at // PAGE, bytearray(PAGE))[at % PAGE] = byte

    def register(self, name):
        return self.registers.get(name, "0x0")

    def memory(self, address, length):
        return bytes(self.pages[at // PAGE][at % PAGE] if at // PAGE in self.pages else 0
                     for at in range(address, address + length))


def without_serial_ports(exits):
    return [each for each in exits if not SERIAL_PORT.match(each.head)]


def without_alarms(exits):
    return [each for each in exits if not ALARM_PORT.match(each.head)]


def without_dates(exits):
    """Without reads of the date, and the selection of a register before each."""
    return [each for each, after in zip(exits, [*exits[1:], NO_EXIT])
            if not each.is_date() and not (after.is_date() and each.head.startswith(CMOS_INDEX))]


def compare_vcpu(vcpu, whole, parts, full):
    """In lockstep, up to the first exit that is another one."""
    states = State(), State()
    for number, pair in enumerate(zip(whole, parts), 1):
        for state, each in zip(states, pair):
            state.take(each)
        if pair[0].content() != pair[1].content():
            yield f"vCPU {vcpu}, exit {number}: {pair[0]} | restored: {pair[1]}"
            return
        for what in compare_told(pair, states, full.alone):
            yield f"vCPU {vcpu}, exit {number}: {pair[0].head}: {what}"
    if len(whole) != len(parts) and full.ended != TIMEOUT:
        yield f"vCPU {vcpu}: {len(whole)} exits | restored: {len(parts)}"


def compare_told(pair, states, alone):
    """What is looked at is recorded where it is not what was told last: so what one run tells here, the
    other tells here or has told before."""
    for name in {**pair[0].registers, **pair[1].registers}:
        values = [state.register(name) for state in states]
        if values[0] != values[1]:
            yield f"{name}={values[0]} | restored: {values[1]}"
    for address, data in pair[0].memory + pair[1].memory if alone else []:
        if states[0].memory(address, len(data)) != states[1].memory(address, len(data)):
            yield f"memory at {address:#x} differs"


def compare_exits(full, first, second):
    for vcpu in sorted({*full.vcpus, *first.vcpus, *second.vcpus}):
        whole = without_dates(without_alarms(full.vcpus.get(vcpu, [])))
        parts = without_dates(without_alarms(
            first.vcpus.get(vcpu, []) + second.vcpus.get(vcpu, [])))
        if full.typed:
            whole, parts = without_serial_ports(whole), without_serial_ports(parts)
        yield from compare_vcpu(vcpu, whole, parts, full)


def compare_consoles(full, first, second):
    whole, parts = full.shown(), first.shown()
    for name, text in second.shown().items():
        parts[name] = parts.get(name, "") + text
    for name in sorted({*whole, *parts}):
        if whole.get(name) != parts.get(name):
            yield f"console{name} was shown other things"


def compare_stdout(full, first, second):
    whole, parts = full.stdout, first.stdout + second.stdout
    if full.ended == TIMEOUT:
        length = min(len(whole), len(parts))
        whole, parts = whole[:length], parts[:length]
    if whole != parts:
        at = next((i for i, pair in enumerate(zip(whole, parts)) if pair[0] != pair[1]),
                  min(len(whole), len(parts)))
        yield f"stdout at byte {at}: {whole[at:at + 40]!r} | restored: {parts[at:at + 40]!r}"


def compare_reports(full, second):
    """Of the last exits a restored run knows only its own, with numbers of its own."""
    (whole, exits), (part, exits_since) = split_report(full.report), split_report(second.report)
    if whole != part:
        yield (f"the crash report: {[line for line in whole if line not in part]}"
               f" | restored: {[line for line in part if line not in whole]}")
    if exits_since and exits[-len(exits_since):] != exits_since:
        yield "the last exits of the crash report differ"


def split_report(lines):
    at = lines.index('"last exits:"') if '"last exits:"' in lines else len(lines)
    return lines[:at], [re.sub(r'^" *\d+', "", line) for line in lines[at + 1:]]


def compare(full, first, second):
    if not full.machine == first.machine == second.machine:
        yield "the machines differ"
    if full.ended != second.ended:
        yield f"it ended by {full.ended} | restored: {second.ended}"
    yield from compare_stdout(full, first, second)
    yield from compare_consoles(full, first, second)
    yield from compare_exits(full, first, second)
    yield from compare_reports(full, second)


def main():
    folder = sys.argv[1]
    full = Recording(f"{folder}/full")
    status = 0
    for exits in sys.argv[2:]:
        first, second = (Recording(f"{folder}/{part}-{exits}") for part in ("first", "second"))
        differences = list(compare(full, first, second))
        for difference in differences[:SHOWN]:
            print(f"restored after {exits} exits: {difference}")
        if differences:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
