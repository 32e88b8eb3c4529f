# shellcheck shell=bash disable=SC2154 # the including script sets minivmm and work
# Facilities of the host that tests need. Each fact is probed once, by trying it, when first needed:
#
#   missing FACT...    is one of them missing? (why) is the reason, or empty
#   kvm_lacks FILE     the same from minivmm's stderr: this KVM lacks a capability
#
# A fact is one of the functions probe_FACT, or a program that must be in PATH. PROBES=FOLDER keeps the
# results, so that the suites of one run share them; a suite that runs alone uses a folder in its (work).
# PROBES_MISSING="FACT…" makes facts missing. TIMEOUT_FACTOR multiplies the limit of a probe.

# The Debian packages of programs, where the names differ.
declare -rA probe_packages=([prlimit]=util-linux [setpriv]=util-linux [unshare]=util-linux [mount]=mount
    [script]=bsdutils [readelf]=binutils)

missing() {
    local fact found=${PROBES:-$work/probes}
    why=''
    for fact in "$@"; do
        [ -e "$found/$fact" ] || keep_probe "$found" "$fact"
        read -r why <"$found/$fact" && return
    done
    return 1
}

kvm_lacks() {
    local lacks='this kernel lacks KVM_CAP_[A-Z0-9_]*|this host has [0-9]* physical address bits, too few'
    why=$(sed -nE "s/^minivmm: .*($lacks).*/\\1/p" "$1" | head -n 1)
    [ -n "$why" ]
}

# keep_probe FOLDER FACT: the file appears whole, as several suites may ask at a time.
keep_probe() {
    mkdir -p "$1"
    probe "$2" >"$1/.$2.$$"
    mv "$1/.$2.$$" "$1/$2"
}

# Prints the reason if the fact is missing.
probe() {
    if [[ " ${PROBES_MISSING-} " == *" $1 "* ]]; then
        echo "$1 is in PROBES_MISSING"
    elif declare -F "probe_$1" >/dev/null; then
        "probe_$1"
    elif ! type -P "$1" >/dev/null; then
        echo "$1${probe_packages[$1]+ (${probe_packages[$1]})} is not installed"
    fi
}

# probe_image BYTES WORDS...: minivmm with an image of these bytes, and what it wrote in (output).
probe_image() {
    local bytes=$1 image=${PROBES:-$work/probes}/.image.$$ status
    shift
    printf %b "$bytes" >"$image"
    output=$(timeout -k 2 $((60 * ${TIMEOUT_FACTOR:-1})) "$minivmm" --quiet "$@" "$image" 2>&1 </dev/null)
    status=$?
    rm -f "$image"
    return "$status"
}

readonly PROBE_HLT='\xf4' PROBE_UD2='\x0f\x0b' PROBE_NO_KVM=202

# By the status, because the message may vary.
probe_kvm() {
    local output
    probe_image "$PROBE_HLT"
    [ $? -ne "$PROBE_NO_KVM" ] || echo "/dev/kvm cannot be used"
}

# The registers of a triple fault: AMD's processors lose them, and the report says so.
probe_registers() {
    local output
    probe_image "$PROBE_UD2"
    [[ $output != *'the registers are lost'* ]] || echo "this KVM keeps no registers of a triple fault"
}

# An optional library.
probe_zydis() {
    local output
    probe_image "$PROBE_HLT" --stub step,trace=/dev/null,disasm=on
    [[ $output != *'needs libzydis'* ]] || echo "libzydis is not installed"
}

# It can be missing, or a plain file.
probe_full() {
    [ "$(stat -c '%F %t:%T' /dev/full 2>&1)" = "character special file 1:7" ] \
        || echo "/dev/full is not the device that is always full"
}

readonly nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# Running as an ordinary user.
probe_nobody() {
    "${nobody[@]}" true 2>/dev/null || echo "cannot become an ordinary user"
}

# The same for a user without access to /dev/kvm.
probe_user() {
    missing nobody && echo "$why" && return
    ! "${nobody[@]}" test -r /dev/kvm -a -w /dev/kvm || echo "every user may use /dev/kvm"
}

# A pseudo-terminal.
probe_tty() {
    missing script && echo "$why" && return
    SHELL=$BASH script -qefc true /dev/null </dev/null >/dev/null 2>&1 || echo "there are no pseudo-terminals"
}

# A private file system.
probe_tmpfs() {
    missing unshare mount && echo "$why" && return
    unshare -m mount -t tmpfs none "$work" 2>/dev/null || echo "no file system can be mounted"
}

# Debian's packages are for Debian's Python, which need not be the first in PATH: (python) is the one.
probe_jsonschema() {
    find_python jsonschema >/dev/null || echo "python3-jsonschema is not installed"
}

# find_python MODULE: a Python that has it.
find_python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        "$candidate" -c "import $1" 2>/dev/null && type -P "$candidate" && return
    done
    return 1
}

probe_valgrind() {
    type -P valgrind >/dev/null || { echo "valgrind is not installed" && return; }
    valgrind --quiet --tool=none true >/dev/null 2>&1 || echo "valgrind runs no program here"
}

# They may be installed but fail to start, if a library is missing.
probe_chromium() {
    local program
    for program in chromium chromedriver; do
        type -P "$program" >/dev/null || { echo "$program is not installed" && return; }
        "$program" --version >/dev/null 2>&1 || { echo "$program does not start here" && return; }
    done
}
