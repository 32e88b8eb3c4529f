"""The host of the measurements."""

import os
import platform
import subprocess

from peers import PEERS


def first_line(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def kvm_modules():
    """The module kvm is omitted if kvm_intel or another vendor module is loaded."""
    names = sorted(name for name in os.listdir("/sys/module") if name.startswith("kvm"))
    return ", ".join(name for name in names if name != "kvm" or len(names) == 1) or "unknown"


def describe(minivmm, quick):
    host = {
        "machine": f"{processor()}, {len(os.sched_getaffinity(0))} CPUs",
        "kernel": f"{platform.system()} {platform.release()}",
        "KVM module": kvm_modules(),
        "minivmm": first_line([minivmm, "--version"]),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "run": "quick" if quick else "full",
    }
    for peer in PEERS:
        if peer.find():
            host[peer.program] = first_line([peer.find(), peer.version])
    return host
