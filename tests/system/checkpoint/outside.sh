# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# Checkpoints that are asked for from outside: by a signal, at any time, and after a number of exits.

# save_often NAME COUNT: so many checkpoints of the run (pid), NAME.1.core and so on; fewer if it ends before.
save_often() {
    local round
    for ((round = 1; round <= $2; round++)); do
        sleep 0.0$((RANDOM % 4))
        kill -USR1 "$pid" 2>/dev/null || break
        wait_until "checkpoint $round is written" is_saved_or_gone "$1" "$round" || break
        ! has_lines "$1.err" 'roi.core is written$' "$round" || cp roi.core "$1.$round.core"
    done
    [ -e "$1.1.core" ] || echo "it ended before its first checkpoint"
}

is_saved_or_gone() {
    has_lines "$1.err" '^minivmm: checkpoint: roi.core is written$' "$2" || has_ended
}

has_ended() {
    ! kill -0 "$pid" 2>/dev/null
}

# ends_like NAME FILE: the run's output is the end of FILE.
ends_like() {
    tail -c "$(stat -c %s "$1.out")" "$2" | cmp -s - "$1.out" || {
        echo "$1: stdout is not the end of $2:"
        cat "$1.out"
    }
}

# check_work WORDS: checkpoints of a guest that computes; it and all copies come to the same results.
check_work() {
    local core
    vmm whole "$guests/checkpoint-work.bin" -- "$@"
    expect whole 0
    start first --checkpoint-on SIGUSR1:roi.core "$guests/checkpoint-work.bin" -- "$@"
    wait_for first.out '^round 2:'
    save_often first 3
    finish
    expect first 0
    same first whole.out
    for core in first.*.core; do
        vmm copy --restore "$core"
        expect copy 0
        ends_like copy whole.out
    done
}

test_a_signal_saves_a_guest_that_computes_in_ring_0() {
    check_work 12 4000
}

test_a_signal_saves_a_guest_that_computes_in_ring_3() {
    check_work 12 8000000 ring3
}

test_a_signal_saves_a_guest_that_reads_ports() {
    local core
    start first --checkpoint-on SIGUSR1:roi.core "$guests/checkpoint-ports.bin" -- 3000
    wait_for first.out ready
    save_often first 6
    finish
    expect first 0 $'ready\n0 wrong of 3000 rounds'
    for core in first.*.core; do
        vmm copy --restore "$core"
        expect copy 0 '0 wrong of 3000 rounds'
    done
}

test_a_signal_saves_a_guest_that_waits_for_a_timer() {
    start first --irqchip --checkpoint-on SIGUSR1:roi.core "$guests/pit.bin"
    wait_for first.out 'no tick with interrupts off'
    save_often first 3
    finish
    expect first 0
    for core in first.*.core; do
        vmm copy --restore "$core"
        expect copy 0
        has_lines copy.out ' 0 failed$' || echo "$core: $(cat copy.out)"
    done
}

# Nothing will wake it: a copy sleeps as well, and does not continue after its HLT.
test_a_signal_saves_a_guest_that_sleeps() {
    start first --irqchip --checkpoint-on SIGUSR1:roi.core "$guests/hlt-sti.bin"
    wait_for first.out halting
    save_often first 2
    kill -TERM "$pid"
    finish
    expect first 207 halting
    vmm copy --timeout 0.3 --restore roi.core
    expect copy 206 ''
}

test_a_signal_saves_a_guest_that_waits_for_input() {
    start first --checkpoint-on SIGUSR2:roi.core "$guests/checkpoint-console.bin"
    type_in ab
    wait_for first.out '^2 typed b$'
    kill -USR2 "$pid"
    wait_for first.err 'roi.core is written'
    type_in cq
    finish
    expect first 0 $'ready\n1 typed a\n2 typed b\n3 typed c\n4 typed q'
    printf dq >copy.in
    vmm copy --restore roi.core
    expect copy 0 $'3 typed d\n4 typed q'
}

test_a_signal_saves_a_paused_guest() {
    start first --out out --checkpoint-on SIGUSR1:roi.core "$guests/checkpoint-console.bin"
    type_in 4
    wait_for first.err 'the machine is paused'
    kill -USR1 "$pid"
    wait_for first.err 'roi.core is written'
    has_lines first.out 'result' && echo "the signal let it go on"
    printf q >copy.in
    vmm copy --restore roi.core
    expect copy 0 $'the same run, result 3\n2 typed q'
    type_in q
    kill -CONT "$pid"
    finish
    expect first 0 $'ready\n1 action 4: the same run, result 3\n2 typed q'
}

test_signals_by_the_dozen_harm_nobody() {
    local round
    vmm whole "$guests/checkpoint-work.bin" -- 12 8000000 ring3
    start first --checkpoint-on USR1:roi.core "$guests/checkpoint-work.bin" -- 12 8000000 ring3
    wait_for first.out '^round 2:'
    for ((round = 0; round < 50; round++)); do
        kill -USR1 "$pid" 2>/dev/null
    done
    finish
    expect first 0
    same first whole.out
    vmm copy --restore roi.core
    expect copy 0
    ends_like copy whole.out
}

test_other_signals_end_it() {
    start first --checkpoint-on SIGUSR1:roi.core "$guests/spin.bin"
    wait_for first.out spinning
    kill -TERM "$pid"
    finish
    expect first 207
    [ ! -e roi.core ] || echo "SIGTERM saved it"
}

# start_stalled: a guest that writes as much as it can, into a nearly full pipe without a reader.
# It is descriptor 4.
start_stalled() {
    mkfifo console
    exec 4<>console
    head -c 65000 /dev/zero | tr '\0' '\n' >&4
    launch first /dev/null console "$@"
    wait_until "it takes signals" takes_usr1
    wait_until "the pipe is full" is_full
}

# SIGUSR1 is blocked: it is read from a descriptor.
takes_usr1() {
    local mask
    mask=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
    ((0x${mask:-0} & 1 << 9)) || has_ended
}

is_full() {
    ! printf '\n' | dd of=console oflag=nonblock 2>/dev/null || has_ended
}

test_a_guest_whose_reader_stalls_is_saved_once_it_reads() {
    start_stalled --checkpoint-on SIGUSR1:roi.core "$guests/flood.bin"
    kill -USR1 "$pid"
    sleep 0.3
    [ ! -e roi.core ] || echo "it was saved in the middle of a write"
    cat <&4 >first.out &
    wait_for first.err 'roi.core is written'
    kill -TERM "$pid"
    finish
    exec 4<&-
    kill %+ 2>/dev/null
    expect first 207
    has_lines first.out '^line [0-9]+ of a flood$' || echo "nothing was read"
    vmm copy --timeout 0.3 --restore roi.core
    expect copy 206
}

test_a_guest_whose_reader_stalls_and_that_is_to_be_saved_can_be_ended() {
    start_stalled --checkpoint-on SIGUSR1:roi.core "$guests/flood.bin"
    kill -USR1 "$pid"
    sleep 0.3
    kill -TERM "$pid"
    wait_until "SIGTERM ends it" has_ended || kill -KILL "$pid"
    finish
    exec 4<&-
    expect first 207
}

test_a_guest_whose_reader_stalls_and_that_is_to_be_saved_has_its_time_limit() {
    start_stalled --timeout 1 --checkpoint-on SIGUSR1:roi.core "$guests/flood.bin"
    kill -USR1 "$pid"
    wait_until "the time limit ends it" has_ended || kill -KILL "$pid"
    finish
    exec 4<&-
    expect first 206
}

test_checkpoint_at_saves_after_so_many_exits_and_ends() {
    vmm whole "$guests/checkpoint-work.bin" -- 3 10
    for exits in 1 2 77 100; do
        vmm first --checkpoint-at $exits:roi.core "$guests/checkpoint-work.bin" -- 3 10
        expect first 0
        vmm copy --restore roi.core
        expect copy 0
        cat first.out copy.out >both
        same whole both
    done
}

# The first exits are the word `ready`, then there are two rounds of all kinds. What an exit reads has come by
# then, and none is made twice.
test_checkpoint_at_any_exit_has_that_exit_done() {
    local exits
    for exits in {13..24}; do
        vmm first --checkpoint-at "$exits":roi.core "$guests/checkpoint-ports.bin" -- 5
        expect first 0 ready
        vmm copy --restore roi.core
        expect copy 0 '0 wrong of 5 rounds'
    done
}

test_checkpoint_at_behind_the_end_saves_nothing() {
    vmm first --checkpoint-at 1000000:roi.core "$guests/hello.bin"
    expect first 0 'hello from a guest'
    [ ! -e roi.core ] || echo "a file was written"
}

test_checkpoint_at_counts_the_exits_of_the_copy_anew() {
    vmm whole "$guests/checkpoint-work.bin" -- 3 10
    vmm first --checkpoint-at 20:roi.core "$guests/checkpoint-work.bin" -- 3 10
    vmm second --checkpoint-at 20:roi.core --restore roi.core
    vmm third --restore roi.core
    expect third 0
    cat first.out second.out third.out >all
    same whole all
    [ -s second.out ] && [ -s third.out ] || echo "a part is empty"
}
