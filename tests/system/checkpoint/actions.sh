# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# The five actions of the ptlcall, and the ways to call it.

test_continue() {
    vmm first --out out "$guests/checkpoint.bin" -- continue
    expect first 3 $'before: continue\nafter: the same run, result 3'
    says first '^ptlcall 1 .* op=CHECKPOINT name="roi" action=0 result=later$'
    says first '^ptlcall 1 checkpoint="roi.core" result=3$'
    leaves roi.core
    vmm copy --restore out/roi.core
    expect copy 7 'after: restored, result 3'
}

test_shutdown() {
    vmm first --out out "$guests/checkpoint.bin" -- shutdown
    expect first 0 'before: shutdown'
    vmm copy --restore out/roi.core
    expect copy 7 'after: restored, result 3'
}

test_reboot_saves_before_the_reset_and_starts_anew() {
    start first --out out "$guests/checkpoint-console.bin"
    type_in a2
    wait_for first.out 'ready$' 2
    type_in q
    finish
    expect first 0 $'ready\n1 typed a\n2 action 2: ready\n1 typed q'
    printf q >copy.in
    vmm copy --restore out/roi.core
    expect copy 0 $'restored, result 3\n3 typed q'
}

test_reboot_of_a_copy_ends_the_run() {
    start first --out out "$guests/checkpoint-console.bin"
    type_in 2
    wait_for first.out 'ready$' 2
    type_in q
    finish
    expect first 0
    printf 2 >copy.in
    vmm copy --out out --restore out/roi.core
    expect copy 208 $'restored, result 3\n2 action 2: '
    printf q >copy.in
    vmm copy --restore out/roi.core
    expect copy 0 $'restored, result 3\n3 typed q'
}

test_a_guest_that_reboots_for_ever_ends_at_its_time_limit() {
    vmm first --quiet --out out --timeout 0.5 "$guests/checkpoint.bin" -- reboot
    expect first 206
}

# A paused guest shows nothing until it is resumed.
check_pause() {
    sleep 0.2
    [ "$(cat first.out)" = "before: $1" ] || echo "it went on before it was told: $(cat first.out)"
}

test_pause_lasts_until_sigcont() {
    start first --out out "$guests/checkpoint.bin" -- pause
    wait_for first.err 'the machine is paused'
    check_pause pause
    leaves roi.core
    kill -CONT "$pid"
    finish
    expect first 3 $'before: pause\nafter: the same run, result 3'
}

test_pause_only_writes_no_file() {
    start first --out out "$guests/checkpoint.bin" -- pause-only
    wait_for first.err 'the machine is paused'
    check_pause pause-only
    kill -CONT "$pid"
    finish
    expect first 3 $'before: pause-only\nafter: the same run, result 3'
    leaves
}

needs_pause_lasts_until_ctrl_a_c="tty"
test_pause_lasts_until_ctrl_a_c() {
    local line
    line="'$minivmm' --out out '$guests/checkpoint.bin' -- pause 2>first.err"
    {
        wait_for first.err 'the machine is paused' >&2
        printf '\001c'
    } | SHELL=$BASH timeout -k 2 "$LIMIT" script -qefc "$line" /dev/null >first.typescript 2>script.err
    status=${PIPESTATUS[1]}
    tr -d '\r' <first.typescript >first.out
    expect first 3 $'before: pause\nafter: the same run, result 3'
}

test_sigcont_to_a_guest_that_runs_is_nothing() {
    start first "$guests/checkpoint-console.bin"
    wait_for first.out ready
    kill -CONT "$pid"
    type_in aq
    finish
    expect first 0 $'ready\n1 typed a\n2 typed q'
}

test_a_guest_pauses_as_often_as_it_wants() {
    start first --out out "$guests/checkpoint-console.bin"
    for round in 1 2 3; do
        type_in 4
        wait_for first.err 'the machine is paused' $round
        kill -CONT "$pid"
        wait_for first.out "^$round action 4: the same run, result 3"
    done
    type_in q
    finish
    expect first 0
}

test_the_copy_of_a_paused_guest_runs() {
    start first --out out "$guests/checkpoint.bin" -- pause
    wait_for first.err 'the machine is paused'
    vmm copy --restore out/roi.core
    expect copy 7 'after: restored, result 3'
    kill -CONT "$pid"
    finish
    expect first 3
}

test_a_paused_guest_can_be_ended() {
    start first --out out "$guests/checkpoint.bin" -- pause
    wait_for first.err 'the machine is paused'
    kill -TERM "$pid"
    finish
    expect first 207 'before: pause'
    vmm_until second 1 'before: pause-only' --out out "$guests/checkpoint.bin" -- pause-only
    expect second 206 'before: pause-only'
}

test_by_port_and_from_ring_3() {
    local way
    for way in port ring3 'port ring3'; do
        # shellcheck disable=SC2086 # words
        vmm first --out out "$guests/checkpoint.bin" -- continue $way
        expect first 3 $'before: continue\nafter: the same run, result 3'
        vmm copy --restore out/roi.core
        expect copy 7 'after: restored, result 3'
    done
}

test_the_flag_has_bit_30_in_protected_mode() {
    vmm port --out out --mode protected "$guests/checkpoint-protected.bin" -- port
    expect port 3 $'before\nafter: 0x3'
    vmm copy --restore out/roi.core
    expect copy 7 'after: 0x40000003'
    vmm page --out out --mode protected --ptlcall mmio=0xf0000000 "$guests/checkpoint-protected.bin"
    expect page 3 $'before\nafter: 0x3'
    vmm copy --restore out/roi.core
    expect copy 7 'after: 0x40000003'
}

test_all_state_of_a_vcpu_is_there_again() {
    vmm first --out out "$guests/checkpoint-state.bin"
    expect first 0
    has_lines first.out '^the run that asked$' || echo "no run that asked: $(tail -n 3 first.out)"
    vmm copy --restore out/roi.core
    expect copy 0
    has_lines copy.out '^a copy$' || echo "no copy: $(grep -a FAIL copy.out)"
}

test_timers_and_interrupts_go_on() {
    vmm first --out out --irqchip "$guests/checkpoint-timer.bin"
    expect first 0
    vmm copy --restore out/roi.core
    expect copy 0
    has_lines copy.out '^PASS this is the copy$' || echo "no copy: $(cat copy.out)"
}
