"""The table of measures. A new measure is one entry here, and perhaps a function in tools.py."""

from dataclasses import dataclass
from typing import Callable

from peers import PEERS

# How the figure with a target is computed from the numbers of one or two subjects.
RATIO, DIFFERENCE, VALUE = "ratio", "difference", "value"

DOORBELL = "0xdb0"  # where the guest rings, as in guest/abi/doorbell.h


@dataclass
class Subject:
    name: str
    run: Callable  # of Tools: the numbers of one turn
    every: int = 1  # slow ones have part in each so-manieth turn only
    peer: bool = False  # one that fails is left out; our own fail the run


@dataclass
class Measure:
    key: str
    title: str
    unit: str  # of the subjects' numbers
    figure: str
    limit: float | None  # of the figure of (judged); None: no target
    judged: str  # a subject
    base: str  # the subject to which the others are set; of VALUE: none
    subjects: list
    at_least: bool = False  # the limit is a lower one
    limit_unit: str = ""
    turns: tuple = (20, 5)  # in make bench, in make bench-quick


def peers(guest, run, every):
    """The peers that can run the guest; slow ones in every (every)th turn."""
    return [Subject(peer.name, lambda tools, peer=peer:
                    run(tools, tools.peer(peer, guest), peer.status),
                    every if peer.slow else 1, peer=True)
            for peer in PEERS if guest in peer.guests]


def round_trip(name, command, every=1):
    return Subject(name, lambda tools: tools.round_trips(command(tools)), every)


BATCHES = (1, 8, 64, 256)  # requests that are sent at once


def batches(run):
    return [Subject(f"batches of {size}", lambda tools, size=size: run(tools, size))
            for size in BATCHES]


def trips(tools, command, status):
    return tools.round_trips(command, status)


def start(tools, command, _status=0):
    return tools.starts(command, 1)


def peak(tools, command, _status=0):
    return tools.peaks(command, 1)


def stub(tools, name):
    """--stub for a built-in stub, or for the stub that is built from the example."""
    return "--stub", name if name == "step" else tools.program(name)


def with_stubs(guest):
    """For a guest without -run: with the preset stub, and with others."""
    return [round_trip("marss", lambda tools: tools.monitor(guest)),
            *[round_trip(name, lambda tools, name=name:
                         tools.monitor(guest, *stub(tools, name)))
              for name in ("step", "stub.so")]]


def stepped(name, command):
    return Subject(name, lambda tools: tools.steps(command(tools)))


def doorbell(tools, properties):
    return tools.monitor("doorbell", "--device", f"doorbell,port={DOORBELL},{properties}")


def start_with(key, words, *floor_options):
    """The cost of an option above the plain start, and a floor that uses the same KVM feature."""
    floor = " ".join(("floor", *floor_options))
    return Measure(key, f"start with {' '.join(words)}, exit / plain start", "ms", RATIO, None,
                   "minivmm", "plain start", [
                       Subject("plain start", lambda tools: start(tools, tools.monitor("hello"))),
                       Subject("minivmm", lambda tools:
                               start(tools, tools.monitor("hello", *words))),
                       Subject(floor, lambda tools:
                               start(tools, tools.floor("hello", *floor_options))),
                   ], turns=(60, 10))


MEASURES = [
    Measure("out", "OUT to a device and back / floor", "ns", RATIO, 1.02, "minivmm", "floor", [
        round_trip("floor", lambda tools: tools.floor("out")),
        round_trip("minivmm", lambda tools: tools.monitor("out")),
        *peers("out", trips, 10),
    ], turns=(40, 5)),
    Measure("store", "MMIO store to a device and back / floor", "ns", RATIO, 1.02, "minivmm",
            "floor", [
                round_trip("floor", lambda tools: tools.floor("store", "-i")),
                round_trip("minivmm", lambda tools: tools.monitor("store", "--device", "edu")),
                *peers("store", trips, 10),
            ], turns=(40, 5)),
    Measure("version", "ptlcall VERSION by MMIO / floor with synced registers", "ns", RATIO, 1.03,
            "minivmm", "floor -s", [
                round_trip("floor -s", lambda tools: tools.floor("version", "-s")),
                round_trip("minivmm", lambda tools: tools.monitor("version")),
                round_trip("with a log", lambda tools:
                           tools.monitor("version", "--ptlcall", f"log={tools.file('log')}")),
            ], turns=(40, 10)),
    Measure("stubless-out", "OUT to a device with --stub step, without -run / marss", "ns", RATIO,
            1.02, "step", "marss", with_stubs("out"), turns=(20, 5)),
    Measure("stubless-version", "VERSION by MMIO with --stub step, without -run / marss", "ns",
            RATIO, 1.02, "step", "marss", with_stubs("version"), turns=(20, 10)),
    Measure("step", "steps per second of --stub step / bare single-step loop", "k/s", RATIO, 0.8,
            "step", "floor -t", [
                stepped("floor -t", lambda tools: tools.floor("step", "-t")),
                stepped("floor -t -s", lambda tools: tools.floor("step", "-t", "-s")),
                stepped("stub.so", lambda tools: tools.monitor("step", *stub(tools, "stub.so"))),
                stepped("step", lambda tools: tools.monitor("step", *stub(tools, "step"))),
                stepped("with a trace", lambda tools: tools.monitor(
                    "step", "--stub", f"step,trace={tools.file('trace')}")),
            ], at_least=True, turns=(20, 5)),
    Measure("dispatch", "exit_handle() alone, 64 regions", "ns", VALUE, 40, "64 regions", "", [
        Subject("1 region", lambda tools: tools.dispatch_ns(1)),
        Subject("64 regions", lambda tools: tools.dispatch_ns(64)),
    ], limit_unit=" ns", turns=(10, 3)),
    Measure("instructions", "instructions of exit_handle(), 64 regions / 1", "instructions", RATIO,
            1.20, "64 regions", "1 region", [
                Subject("1 region", lambda tools: tools.instructions(1)),
                Subject("64 regions", lambda tools: tools.instructions(64)),
            ], turns=(1, 1)),
    Measure("start", "start, tiny guest, exit / floor", "ms", RATIO, 1.25, "minivmm", "floor", [
        Subject("floor", lambda tools: tools.starts(tools.floor("hello"), 3)),
        Subject("minivmm", lambda tools: tools.starts(tools.monitor("hello"), 3)),
        *peers("hello", start, 10),
    ], turns=(60, 10)),
    start_with("start-irqchip", ("--irqchip",), "-i"),
    start_with("start-cpus", ("-c", "2"), "-c", "2"),
    start_with("start-edu", ("--device", "edu"), "-i"),
    start_with("start-doorbell", ("--device", f"doorbell,port={DOORBELL}"), "-d", DOORBELL),
    Measure("memory", "peak resident memory - floor's", "KiB", DIFFERENCE, 1024, "minivmm", "floor",
            [
                Subject("floor", lambda tools: tools.peaks(tools.floor("hello"), 3)),
                Subject("minivmm", lambda tools: tools.peaks(tools.monitor("hello"), 3)),
                *peers("hello", peak, 5),
            ], limit_unit=" KiB", turns=(5, 2)),
    Measure("restore", "restore of 1 GiB with 64 MiB in use / start of a hello", "ms", RATIO, 1.5,
            "restored", "hello", [
                Subject("hello", lambda tools: tools.starts(tools.monitor("hello"), 3)),
                Subject("restored", lambda tools: tools.starts(tools.restored(), 3)),
            ], turns=(60, 10)),
    Measure("idle", "private memory of each of 200 restored machines", "KiB", VALUE, 1536,
            "restored", "", [
                Subject("restored", lambda tools: tools.idle_memory(50 if tools.quick else 200)),
            ], limit_unit=" KiB", turns=(2, 1)),
    Measure("record", "recording on / off at 50k exits/s", "µs", RATIO, 1.05, "recording", "off", [
        Subject("off", lambda tools: tools.load(False)),
        Subject("recording", lambda tools: tools.load(True)),
    ], turns=(20, 8)),
    Measure("replay", "replay of a recording, million exits/s", "M/s", VALUE, 1.0, "minivmm", "", [
        Subject("minivmm", lambda tools: tools.replay_rate()),
    ], at_least=True, limit_unit=" M/s", turns=(7, 5)),
    Measure("bytes", "bytes of an exit in a recording", "bytes", VALUE, 100, "minivmm", "", [
        Subject("minivmm", lambda tools: tools.replay_bytes()),
    ], limit_unit=" bytes", turns=(1, 1)),
    Measure("smp", "two vCPUs' exits per second / one's", "times", VALUE, 1.9, "minivmm", "", [
        Subject("floor", lambda tools: tools.speed_up(tools.floor("smp", "-c", "2"))),
        Subject("minivmm", lambda tools: tools.speed_up(
            tools.monitor("smp", "--cpus", "2", "--device", "serial,port=0x2f8"))),
        Subject("both at one device", lambda tools: tools.speed_up(
            tools.monitor("smp", "--cpus", "2", words=("shared",)))),
    ], at_least=True, turns=(60, 5)),
    Measure("doorbell", "doorbell by ioeventfd / OUT exit", "ns", RATIO, 0.2, "minivmm", "OUT exit", [
        round_trip("OUT exit", lambda tools: doorbell(tools, "ioeventfd=off")),
        round_trip("minivmm", lambda tools: doorbell(tools, "ioeventfd=on")),
        round_trip("with an interrupt", lambda tools: doorbell(tools, "irq=5")),
        round_trip("floor", lambda tools: tools.floor("doorbell", "-d", DOORBELL)),
    ], turns=(20, 5)),
    Measure("ring", "ring request in batches of 64 / OUT exit", "ns", RATIO, 1 / 30,
            "batches of 64", "exit", [
                Subject("exit", lambda tools: tools.ring_ns("exit")),
                Subject("notification", lambda tools: tools.ring_ns("notification")),
                *batches(lambda tools, size: tools.ring_ns(str(size), size)),
            ], turns=(15, 3)),
    Measure("requests", "million ring requests a second, in batches of 64", "M/s", VALUE, None,
            "batches of 64", "", batches(lambda tools, size: tools.ring_rate(size)), turns=(3, 1)),
    Measure("news", "notifications and events of a batch of 64", "a batch", VALUE, 2,
            "batches of 64", "", [
                Subject("batches of 64", lambda tools: tools.ring_news(64)),
            ], turns=(1, 1)),
]
