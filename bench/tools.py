"""Running one subject once: programs, guests, CPUs. Each function returns the numbers of one turn."""

import os
import shutil
import struct
import subprocess
import tempfile
import time

# As in bench/guests/measure.h.
BLOCK = 8
STEPS = 1000
PORT = 0x3FF

LIMIT_S = 120  # for one run of anything
PEER_LIMIT_S = 60  # for a peer's hello
MESSAGE_SIZE = 400  # of a program's message, what is shown
LOAD_RATE = 50_000  # exits per second of the load that is recorded


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


class Skip(Exception):
    """The reason why a measure, or one subject of it, cannot run on this host."""


class Failed(RuntimeError):
    """The message of a program that failed."""


def describe_failure(command, what, stderr):
    """A line without paths of this machine."""
    words = " ".join(stderr.decode(errors="replace").split())
    words = words.replace(os.getcwd() + os.sep, "")
    return f"{os.path.basename(command[0])}: {what}" + (f": {words[-MESSAGE_SIZE:]}" if words else "")


class Tools:
    def __init__(self, minivmm, programs, guests, quick):
        self.minivmm = os.path.abspath(minivmm)
        self.programs = os.path.abspath(programs)
        self.guests = os.path.abspath(guests)
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.quick = quick
        self.cpus = sorted(os.sched_getaffinity(0))
        self.folder = tempfile.TemporaryDirectory(prefix="minivmm-bench-")
        # Files that a peer writes to the user's home go elsewhere.
        self.environment = {**os.environ, "HOME": self.folder.name}
        self.tick_ns = 1e6 / int(self.output([self.program("floor")]).split()[1])
        self.kept = {}

    def program(self, name):
        return os.path.join(self.programs, name)

    def guest(self, name, ending="bin"):
        return os.path.join(self.guests, f"{name}.{ending}")

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def once(self, key, make):
        """The result of make(), which is called once, at the first use."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def output(self, command, wide=False, status=0, limit=LIMIT_S):
        """stdout of a command, which runs on the last CPU, or on all of them if (wide)."""
        cpus = self.cpus if wide else self.cpus[-1:]
        pinned = ["taskset", "-c", ",".join(map(str, cpus)), *command]
        try:
            done = subprocess.run(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=limit, check=False,
                                  env=self.environment)
        except subprocess.TimeoutExpired as ended:
            raise Failed(describe_failure(command, f"no end after {limit} s",
                                          ended.stderr or b"")) from ended
        if done.returncode != status:
            raise Failed(describe_failure(command, f"exit status {done.returncode}", done.stderr))
        return done.stdout

    def ticks(self, command, **options):
        """The output of one of our guests: numbers of 8 bytes."""
        return [number for (number,) in struct.iter_unpack("<Q", self.output(command, **options))]

    # Subjects.

    def floor(self, guest, *options):
        return [self.program("floor"), *options, self.guest(guest)]

    def monitor(self, guest, *options, words=()):
        return [self.minivmm, "--quiet", *options, self.guest(guest),
                *(["--", *map(str, words)] if words else [])]

    def domain(self, guest, words):
        return [self.minivmm, "--quiet", "--cpus", "2", "--domain", f"{self.guest(guest)} {words}"]

    def peer(self, peer, guest):
        """The command with which a peer runs (guest): its command that works on this host."""
        number = self.once(peer.name, lambda: self.try_peer(peer))
        if isinstance(number, Skip):
            raise number
        return self.peer_commands(peer, guest)[number]

    def peer_commands(self, peer, guest):
        return peer.commands(peer.find(), os.path.join(self.guests, peer.image.format(guest)))

    def try_peer(self, peer):
        """The command whose guest prints hello, or the Skip with the output of the commands."""
        if not peer.find():
            return Skip(f"{os.environ.get(peer.variable) or peer.program} is not installed; "
                        f"{peer.variable}=PROGRAM names one")
        refusals = []
        for number, command in enumerate(self.peer_commands(peer, "hello")):
            try:
                if b"hello" in self.output(command, status=peer.status, limit=PEER_LIMIT_S):
                    return number
                refusals.append(f"{peer.program}: the guest does not say hello")
            except Failed as failure:
                refusals.append(str(failure))
        return Skip("; then ".join(refusals))

    def checkpoint(self, name, *words):
        """A checkpoint of a machine of 1 GiB of which 64 MiB are in use."""
        def save():
            path = self.file(name)
            self.output(self.monitor("used", "-m", "1G", "--checkpoint-at", f"1:{path}",
                                     words=words))
            return path
        return self.once(name, save)

    def restored(self):
        return [self.minivmm, "--quiet", "--restore", self.checkpoint("used.core")]

    # Turns.

    def round_trips(self, command, status=0):
        """Nanoseconds of an exit, of each block that the guest timed."""
        return [ticks * self.tick_ns / BLOCK for ticks in self.ticks(command, status=status)]

    def steps(self, command):
        """Thousands of instructions a second that are single-stepped."""
        return [STEPS / (ticks * self.tick_ns) * 1e6 for ticks in self.ticks(command)]

    def starts(self, command, count):
        """Milliseconds from before the program starts until the kernel has ended it, with its VM."""
        lines = self.output([self.program("launch"), str(count), *command]).split()
        return [int(line) / 1e6 for line in lines]

    def peaks(self, command, count):
        """KiB."""
        return [int(line) for line in
                self.output([self.program("launch"), "-m", str(count), *command]).split()]

    def idle_memory(self, count):
        """KiB of private memory of each of (count) machines that were restored and wait."""
        command = [self.minivmm, "--restore", self.checkpoint("idle.core", "idle")]
        machines = []
        try:
            for _ in range(count):
                machines.append(subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                                 stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.PIPE))
            for machine in machines:
                machine.stderr.readline()  # says that it waits
                machine.stderr.readline()
            return [private_kib(machine.pid) for machine in machines]
        finally:
            for machine in machines:
                machine.kill()
                machine.wait()
                machine.stderr.close()

    def load_ns(self, count, work, *options):
        """Nanoseconds of an exit and the work after it."""
        command = self.monitor("load", *options, words=(count, work))
        return self.ticks(command, wide=True)[0] * self.tick_ns / count

    def load_work(self):
        """The amount of work that gives LOAD_RATE."""
        def calibrate():
            # The minimum of several: other load on the machine only adds.
            none = min(self.load_ns(4000, 0) for _ in range(7))
            much = min(self.load_ns(4000, 50) for _ in range(7))
            return max(0, round((1e9 / LOAD_RATE - none) / ((much - none) / 50)))
        return self.once("work", calibrate)

    def load(self, record):
        options = ("--record", self.file("load.exits")) if record else ()
        return [self.load_ns(10_000 if self.quick else 25_000, self.load_work(), *options) / 1e3]

    def recording(self):
        """(path, exits) of a long recording with exits of all kinds."""
        def record():
            count = 100_000 if self.quick else 1_000_000
            path = self.file("long.exits")
            self.output(self.monitor("load", "--record", path, words=(count, 0, "mixed")), wide=True)
            with open(path, "rb") as file:
                file.seek(-64, os.SEEK_END)
                return path, int(file.read().split()[-1])
        return self.once("recording", record)

    def replay_rate(self):
        """Millions of exits a second, with reading the file."""
        path, exits = self.recording()
        begun = time.monotonic()
        self.output([self.minivmm, "--replay", path])
        return [exits / (time.monotonic() - begun) / 1e6]

    def replay_bytes(self):
        path, exits = self.recording()
        return [os.path.getsize(path) / exits]

    def speed_up(self, command):
        """Exits per second of two vCPUs by those of one, in the same run."""
        if len(self.cpus) < 2:
            raise Skip("there is one CPU")
        one, both = self.ticks(command, wide=True)
        return [2 * one / both]

    def ring(self, words):
        """The output of the ring's guest."""
        if len(self.cpus) < 2:
            raise Skip("there is one CPU")
        return self.ticks(self.domain("ring", words), wide=True)

    def ring_ns(self, words, requests=1):
        """Nanoseconds of the guest's run with (words), divided by its requests."""
        return [ticks * self.tick_ns / BLOCK / requests for ticks in self.ring(words)]

    def ring_rate(self, size):
        """Millions of requests a second, in batches of (size)."""
        return [1e3 / ns for ns in self.ring_ns(str(size), size)]

    def ring_news(self, size):
        """Notifications and events of a batch."""
        batches, notifications, events = self.ring(f"{size} count")
        return [(notifications + events) / batches]

    def dispatch(self, regions, samples, passes):
        return [self.program("dispatch"), str(regions), os.path.join(self.here, "dispatch.exits"),
                str(samples), str(passes)]

    def dispatch_ns(self, regions):
        return [float(line) for line in self.output(self.dispatch(regions, 50, 40)).split()[3:]]

    def instructions(self, regions):
        """Instructions of one exit_handle(), counted by callgrind."""
        if not shutil.which("valgrind"):
            raise Skip("valgrind is not installed")
        counted = self.file("callgrind.out")
        lines = self.output(["valgrind", "--tool=callgrind", "--toggle-collect=exit_handle",
                             f"--callgrind-out-file={counted}", *self.dispatch(regions, 1, 10)])
        with open(counted, encoding="ascii") as file:
            total = [line for line in file if line.startswith("summary:")]
        return [int(total[0].split()[1]) / int(lines.split()[1])]
