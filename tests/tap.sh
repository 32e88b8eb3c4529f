# shellcheck shell=bash disable=SC2034,SC2154 # the including script sets here, minivmm and guests, and reads failed
# For tests that consist of runs of minivmm with expected results:
#
#   tap_begin SUITE SECONDS     the working folder, which is the current one from then on, and the hard limit
#   needs FACT...               of tests/probes.sh: the next test is skipped by name where one is missing
#   run NAME STATUS WORDS       begins a test with a run of minivmm; or begin NAME, and other commands
#   run_until NAME PATTERN SECONDS WORDS  begins a test with a run that its --timeout ends, after it has shown PATTERN
#   expect STATUS COMMAND       another program
#   has PATTERN                 one of the checks below, or complain SENTENCE
#   finish                      prints the test's line
#
# A test is also skipped where minivmm cannot use /dev/kvm, or reports a capability that this KVM lacks.
# TIMEOUT_FACTOR=N multiplies the limit.

readonly NO_KVM=202 NO_END=206

# shellcheck source=tests/probes.sh
. "$(dirname "${BASH_SOURCE[0]}")/probes.sh"

tap_begin() {
    suite=$1
    hard_limit=(timeout -k 2 $(($2 * ${TIMEOUT_FACTOR:-1})))
    limit=("${hard_limit[@]}")
    number=0 failed=0 name='' input='' got=0 needed=()
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 2
}

complain() {
    printf '%s\n' "$@" >>complaints
}

needs() {
    needed=("$@")
}

begin() {
    name=$1 why=''
    missing "${needed[@]}"
    skipped=$why needed=()
    : >complaints
    : >stdout
    : >stderr
}

# expect STATUS COMMAND...: runs a command under the limit; the checks below examine its output.
expect() {
    local status=$1
    shift
    [ -z "$skipped" ] || return 0
    "${limit[@]}" "$@" <"${input:-/dev/null}" >stdout 2>stderr
    got=$?
    [ "$got" -ne "$status" ] || return 0
    complain "exit status $got, not $status"
    if { [ "$got" -eq "$NO_KVM" ] && missing kvm; } || kvm_lacks stderr; then
        skipped=$why
    fi
}

# run NAME STATUS WORDS: begin a test. A word @NAME stands for a guest's image.
run() {
    local status=$2 word words=()
    begin "$1"
    shift 2
    for word in "$@"; do
        [[ $word == @* ]] && word=$guests/${word#@}
        words+=("$word")
    done
    expect "$status" "$minivmm" --out "$work" "${words[@]}"
}

# run_until NAME PATTERN SECONDS WORDS: a guest that its --timeout ends, after stdout has such a line: on a slow
# machine it runs again with four times the limit, and so on.
run_until() {
    local title=$1 pattern=$2 seconds=$3
    shift 3
    while :; do
        run "$title" "$NO_END" --timeout "$seconds" "$@"
        if grep -qaE -e "$pattern" stdout || [ -n "$skipped" ] || ((seconds * 8 > hard_limit[3])); then
            return
        fi
        seconds=$((seconds * 4))
    done
}

# stdout has a line like this; the same for stderr; or it has not.
has() { grep -qaE -e "$1" stdout || complain "stdout has no line like: $1"; }
says() { grep -qaE -e "$1" stderr || complain "stderr has no line like: $1"; }
has_not() { ! grep -qaE -e "$1" stdout || complain "stdout has a line like: $1"; }
is_quiet() { [ ! -s stderr ] || complain "stderr is not empty"; }

# The test's line.
finish() {
    number=$((number + 1))
    if [ -n "$skipped" ]; then
        echo "ok $number - $suite $name # SKIP $skipped"
    elif [ ! -s complaints ]; then
        echo "ok $number - $suite $name"
    else
        failed=1
        echo "not ok $number - $suite $name"
        head -n 20 complaints | sed 's/^/#   /'
        head -n 8 stderr | sed 's/^/#   stderr: /'
        grep -av 'PASS' stdout | head -n 12 | sed 's/^/#   stdout: /'
    fi
}
