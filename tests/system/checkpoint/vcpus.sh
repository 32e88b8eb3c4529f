# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# Several vCPUs, which make calls while one of them, or all, ask for a checkpoint.

calls() {
    "$here/calls.py" "$@" 2>&1 || echo "calls.py: exit status $?"
}

# check_vcpus COUNT ASKING WORD: the run that asks, and each copy, make every call once and in order.
check_vcpus() {
    local count=$1 file files
    vmm first --cpus "$count" --out out --ptlcall log=log "$guests/checkpoint-smp.bin" -- "$count" ${3:+"$3"}
    expect first 0
    cp log whole.log
    calls whole whole.log "$count"
    files=(out/*)
    [ ${#files[@]} -eq "$2" ] || echo "not $2 checkpoints: ${files[*]}"
    for file in "${files[@]}"; do
        vmm copy --allow-files --restore "$file"
        expect copy 0
        has_lines copy.out '^PASS this is a copy$' || echo "no copy: $(cat copy.out)"
        calls parts whole.log log "$count" "$(basename "$file")"
    done
}

needs_the_others_calls_go_on_with_2_vcpus=python3
test_the_others_calls_go_on_with_2_vcpus() {
    check_vcpus 2 1 ''
}

needs_the_others_calls_go_on_with_4_vcpus=python3
test_the_others_calls_go_on_with_4_vcpus() {
    check_vcpus 4 1 ''
}

needs_all_vcpus_ask_at_the_same_time=python3
test_all_vcpus_ask_at_the_same_time() {
    local round
    for round in 1 2 3; do
        check_vcpus 4 4 all
        rm -r out/*
    done
}

test_vcpus_are_saved_from_outside_wherever_they_are() {
    local round
    start first --cpus 4 --checkpoint-on SIGUSR1:roi.core --ptlcall log=log "$guests/checkpoint-smp.bin" \
        -- 4
    wait_for log 'call 02'
    kill -USR1 "$pid"
    wait_for first.err 'roi.core is written'
    vmm copy --out out --allow-files --restore roi.core
    expect copy 0
    finish
    expect first 0
}
