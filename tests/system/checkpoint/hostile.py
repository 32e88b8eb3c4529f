#!/usr/bin/env python3
"""Damaged and hostile checkpoints, and minivmm's reactions. Prints the errors.

hostile.py MINIVMM cut FILE      cut at many places
hostile.py MINIVMM flip FILE     a byte of headers or notes is another one
hostile.py MINIVMM notes FILE    notes of another version, or another CPU, whose sum fits
hostile.py MINIVMM mend FILE     any byte of the notes is another one, and the sum fits
"""
import os
import random
import struct
import subprocess
import sys

LIMIT = 60 * int(os.environ.get("TIMEOUT_FACTOR", "1"))
REFUSED = 201
OUTCOMES = set(range(128)) | {201, 203, 204, 205, 206, 208, 210}  # what may come of a hostile guest
FLIPS = 150
MENDED = 120
HOSTILE = "hostile.core"

OWNER = b"minivmm\0"
MACHINE, CPUID, VCPU, VM, DEVICE, SUM = (0x4d564d01 + i for i in range(6))


class Core:
    """The bytes of a checkpoint, and where its notes are: (type, first byte, size)."""

    def __init__(self, data):
        self.data = bytearray(data)
        (offset,) = struct.unpack_from("<Q", data, 64 + 8)
        (size,) = struct.unpack_from("<Q", data, 64 + 32)
        self.first_note, self.end = offset, offset + size
        self.notes = []
        while offset < self.end:
            name_size, note_size, note_type = struct.unpack_from("<III", data, offset)
            name = offset + 12
            body = name + (name_size + 3 & ~3)
            if data[name:name + name_size] == OWNER:
                self.notes.append((note_type, body, note_size))
            offset = body + (note_size + 3 & ~3)

    def note(self, note_type, index=0):
        return [note for note in self.notes if note[0] == note_type][index]

    def replaced(self, place, new):
        """The file with other bytes at (place), and a sum that fits."""
        data = self.data[:]
        data[place:place + len(new)] = new
        return self.mended(data)

    def mended(self, data):
        _, place, size = self.note(SUM)
        data[place:place + size] = bytes(size)
        value = 0xcbf29ce484222325
        for byte in data[:self.end]:
            value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
        data[place:place + size] = struct.pack("<Q", value)
        return data


def restore(minivmm, data):
    with open(HOSTILE, "wb") as file:
        file.write(data)
    return subprocess.run([minivmm, "--timeout", "0.3", "--quiet", "--restore", HOSTILE],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)


def expect_refused(minivmm, what, data, pattern=b""):
    run = restore(minivmm, data)
    sentence = b"minivmm: " + HOSTILE.encode() + b":"
    if run.returncode != REFUSED or run.stdout or run.stderr.count(b"\n") != 1 \
            or not run.stderr.startswith(sentence) or pattern not in run.stderr:
        print(f"{what}: status {run.returncode}, stdout {run.stdout[:60]}, stderr {run.stderr[:200]}")


def cut(minivmm, core):
    length = len(core.data)
    places = {0, 1, 63, 64, 119, 120, core.first_note, core.end - 1, core.end, 4096, length - 4096,
              length - 1} | {random.randrange(length) for _ in range(40)}
    for place in sorted(places):
        expect_refused(minivmm, f"cut at {place}", core.data[:place])


def flip(minivmm, core):
    bodies = [place + random.randrange(size) for _, place, size in core.notes]
    others = [random.randrange(core.end) for _ in range(FLIPS)]
    for place in list(range(0, core.first_note, 7)) + bodies + others:
        data = core.data[:]
        data[place] ^= 1 << random.randrange(8)
        expect_refused(minivmm, f"byte {place} flipped", data)


def notes(minivmm, core):
    _, machine, size = core.note(MACHINE)
    assert core.data[machine:machine + 13] == b"checkpoint 1\n"
    expect_refused(minivmm, "machine note", core.replaced(machine + 11, b"2"), b"version 2")
    for name, note_type in (("vcpu", VCPU), ("vm", VM)):
        place = core.note(note_type)[1]
        expect_refused(minivmm, name + " note", core.replaced(place, struct.pack("<I", 2)), b"version")
    for index, (note_type, place, size) in enumerate(core.notes):
        if note_type == DEVICE:
            line = core.data[place:place + size].split(b"\n")[0]
            expect_refused(minivmm, line.decode(), core.replaced(place + len(line) - 1, b"7"), b"version")
    _, place, size = core.note(CPUID)
    for register in (8 + 12, 8 + 40 + 12 + 8, size - 20):
        data = core.data[place + register:place + register + 1]
        expect_refused(minivmm, f"cpuid byte {register}",
                       core.replaced(place + register, bytes([data[0] ^ 1])), b"CPUID differs")


def mend(minivmm, core):
    """Random bytes, and values at the limits where numbers are."""
    for index in range(MENDED):
        _, place, size = random.choice(core.notes[:-1])
        at = place + random.randrange(size)
        new = random.choice([b"\xff" * 8, b"\0" * 8, random.randbytes(1), random.randbytes(8), b"9", b"\n"])
        new = new[:place + size - at]
        run = restore(minivmm, core.replaced(at, new))
        if run.returncode not in OUTCOMES or run.returncode == REFUSED and run.stderr.count(b"\n") != 1:
            print(f"{new.hex()} at {at}, byte {at - place} of a note: status {run.returncode}, "
                  f"stderr {run.stderr[:300]}")


def main():
    minivmm, what, path = sys.argv[1:]
    random.seed(5)
    with open(path, "rb") as file:
        core = Core(file.read())
    {"cut": cut, "flip": flip, "notes": notes, "mend": mend}[what](minivmm, core)


main()
