"""The peers: other monitors that run a guest of ours beside minivmm. A new peer is one entry here."""

import os
import shutil
from dataclasses import dataclass
from typing import Callable


@dataclass
class Peer:
    name: str
    program: str  # is looked for in PATH
    variable: str  # of the environment: names another program
    version: str  # the argument that makes it print its version
    guests: tuple  # of which there are images in its form
    image: str  # that form
    status: int  # with which it ends when the guest has ended with 0
    # Commands for the program and an image; the first that works on this host is used.
    commands: Callable
    slow: bool = False  # to start

    def find(self):
        """The path of the program, or None."""
        return shutil.which(os.environ.get(self.variable) or self.program)


# KVM refuses MSR_IA32_ARCH_CAPABILITIES on some hosts, and QEMU then aborts.
QEMU_CPUS = ("host", "host,-arch-capabilities")


def qemu(machine):
    def commands(program, image):
        return [[program, "-M", machine, "-accel", "kvm", "-cpu", cpu, "-m", "64",
                 "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                 "-serial", "null", "-chardev", "stdio,id=out",
                 "-device", "isa-debugcon,iobase=0xe9,chardev=out",
                 "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                 "-kernel", image] for cpu in QEMU_CPUS]
    return Peer(f"QEMU {machine}", "qemu-system-x86_64", "QEMU", "--version",
                ("hello", "out", "store"), "{}.elf", 1, commands, slow=True)


def kvmtool(program, image):
    return [[program, "run", "--nodefaults", "--network", "mode=none", "--console", "serial",
             "--cpus", "1", "--mem", "64", "--kernel", image]]


def solo5_hvt(program, image):
    return [[program, "--mem=64", image]]


PEERS = [
    qemu("microvm"),
    qemu("pc"),
    Peer("kvmtool", "lkvm", "KVMTOOL", "version", ("hello",), "{}_kvmtool.bin", 0, kvmtool),
    Peer("solo5-hvt", "solo5-hvt", "SOLO5_HVT", "--version", ("hello",), "{}_hvt.elf", 0,
         solo5_hvt),
]
