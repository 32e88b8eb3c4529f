#!/usr/bin/env python3
"""A monitor that saves again and again is killed at a random time, and the files it leaves are checked.

kill.py MINIVMM GUEST TIMES      in the current folder; prints what was wrong
"""
import os
import random
import subprocess
import sys
import tempfile
import time

LIMIT = 60 * int(os.environ.get("TIMEOUT_FACTOR", "1"))
SAVING_S = 0.03  # a kill comes in this time
RESTORED = 7  # the status of a copy


def kill_one(minivmm, guest, folder, delay):
    """Let a guest ask for one checkpoint after the other, then kill the monitor."""
    run = subprocess.Popen([minivmm, "--quiet", guest], cwd=folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    run.stdout.readline()  # ready
    time.sleep(delay)
    run.kill()
    run.stdout.close()
    run.wait()


def complaint(minivmm, folder):
    """What is wrong with the file, or None; it may not be there."""
    if not os.path.exists(os.path.join(folder, "roi.core")):
        return None
    copy = subprocess.run([minivmm, "--quiet", "--restore", "roi.core"], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
    if copy.returncode == RESTORED:
        return None
    return f"the file cannot be restored: status {copy.returncode}, {copy.stderr[:200]}"


def main():
    minivmm, guest, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(os.getpid())
    with tempfile.TemporaryDirectory(dir=".") as folder:
        folder = os.path.abspath(folder)
        there = temporary = 0
        for _ in range(times):
            delay = random.uniform(0, SAVING_S)
            kill_one(minivmm, guest, folder, delay)
            wrong = complaint(minivmm, folder)
            if wrong:
                print(f"killed {delay * 1000:.1f} ms after its start: {wrong}")
                return
            names = os.listdir(folder)
            if any(name != "roi.core" and not name.startswith(".minivmm-") for name in names):
                print(f"other files were left: {names}")
            there += "roi.core" in names
            temporary += len(names) - ("roi.core" in names)
            if random.random() < 0.5:  # else it is the old file that the next one finds
                for name in names:
                    os.unlink(os.path.join(folder, name))
        if there == 0 or temporary == 0:
            print(f"of {times} kills, {there} left a file, {temporary} a temporary one: none hit the saving")


main()
