# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# What can be done with a checkpoint: restored often, many times at once, saved again; input and output.

# A checkpoint of a guest that continues with line 2, where a `q` that was typed ahead ends it.
save_console() {
    printf '0q' >first.in
    vmm first --out out "$guests/checkpoint-console.bin"
    expect first 0 $'ready\n1 action 0: the same run, result 3\n2 typed q'
}

test_restored_as_often_as_wanted_and_the_file_stays_as_it_is() {
    local round before
    save_console
    before=$(cksum out/roi.core)
    for round in 1 2 3 4 5; do
        vmm copy --restore out/roi.core
        expect copy 0 $'restored, result 3\n2 typed q'
    done
    [ "$(cksum out/roi.core)" = "$before" ] || echo "copy $round has changed the file"
}

# at_once COMMAND...: 8 of them, with stdout and stderr in copies/N.out.
at_once() {
    local copy
    mkdir copies
    for copy in 1 2 3 4 5 6 7 8; do
        timeout -k 2 "$LIMIT" "$@" <"${input:-/dev/null}" >copies/$copy.out 2>&1 &
    done
    for copy in 1 2 3 4 5 6 7 8; do
        wait -n
        status=$?
        [ $status -eq 0 ] || echo "a copy ended with status $status"
    done
}

test_8_copies_run_at_once() {
    local copy
    save_console
    at_once "$minivmm" --quiet --restore out/roi.core
    printf 'restored, result 3\n2 typed q\n' >expected
    for copy in copies/*.out; do
        cmp expected "$copy"
    done
}

# Rings that KVM handled, and that are not yet counted when the machine is saved.
test_a_doorbell_has_rung_as_often_in_the_copy() {
    local irq
    for irq in '' irq; do
        vmm first --out out --device "doorbell${irq:+,irq=5}" --stats "$guests/doorbell.bin" -- save $irq
        expect first 0
        grep -q '^PASS .*this is the run that asked' first.out || echo "not the run that asked"
        ! grep -q '^0xdb0 .*w ' first.err || echo "a ring was an exit"
        vmm copy --restore out/roi.core
        expect copy 0
        grep -q '^PASS .*this is the copy' copy.out || echo "not the copy"
    done
}

# A copy's memory is the file that it replaces.
test_a_copy_is_saved_again_under_the_same_name() {
    local line
    start first --out out "$guests/checkpoint-console.bin"
    type_in 0
    wait_for first.out '^1 action 0: the same run, result 3$'
    type_in q
    finish
    for line in 1 2 3; do
        start copy --out out --restore out/roi.core
        wait_for copy.out '^restored, result 3$'
        type_in 0
        wait_for copy.out "^$((line + 1)) action 0: the same run, result 3$"
        type_in q
        finish
        expect copy 0 "restored, result 3
$((line + 1)) action 0: the same run, result 3
$((line + 2)) typed q"
    done
    leaves roi.core
}

test_8_copies_replace_the_file_that_they_are_made_of() {
    local copy
    start first --out out "$guests/checkpoint-console.bin"
    type_in 0
    wait_for first.out '^1 action 0: the same run, result 3$'
    type_in q
    finish
    printf 00q >input
    input=input at_once "$minivmm" --quiet --out out --restore out/roi.core
    for copy in copies/*.out; do
        # How many lines are in between depends on whose file it found.
        has_lines "$copy" '^restored, result 3$' || cat "$copy"
        has_lines "$copy" 'typed q$' || cat "$copy"
    done
    leaves roi.core
    printf q >last.in
    vmm last --restore out/roi.core
    expect last 0
}

test_what_was_typed_ahead_is_in_the_file() {
    printf '0abcq' >first.in
    vmm first --out out "$guests/checkpoint-console.bin"
    printf 'never read' >copy.in
    vmm copy --restore out/roi.core
    expect copy 0 $'restored, result 3\n2 typed a\n3 typed b\n4 typed c\n5 typed q'
}

test_what_was_typed_ahead_comes_before_what_is_typed_at_the_copy() {
    start first --out out "$guests/checkpoint-console.bin"
    type_in 3ab
    wait_for first.err 'the machine is paused'
    printf cq >copy.in
    vmm copy --restore out/roi.core
    expect copy 0 $'restored, result 3\n2 typed a\n3 typed b\n4 typed c\n5 typed q'
    type_in q
    kill -CONT "$pid"
    finish
    expect first 0 $'ready\n1 action 3: the same run, result 3\n2 typed a\n3 typed b\n4 typed q'
}

# Half a line has no newline that would have it written.
test_what_was_shown_before_is_out_when_the_file_is_there() {
    start first --out out "$guests/checkpoint-console.bin"
    type_in 3
    wait_for first.err 'the machine is paused'
    kill -KILL "$pid"
    finish
    printf 'ready\n1 action 3: ' >expected
    same first expected
    printf q >copy.in
    vmm copy --restore out/roi.core
    expect copy 0 $'restored, result 3\n2 typed q'
} 2>/dev/null

# Output from before the checkpoint is not shown again, and none of it is lost.
test_the_output_of_both_parts_is_that_of_the_whole() {
    vmm whole "$guests/string-io.bin"
    for exits in 3 8 21; do
        vmm first --checkpoint-at $exits:part.core "$guests/string-io.bin"
        expect first 0
        vmm copy --restore part.core
        expect copy 0
        cat first.out copy.out >both
        same whole both
    done
}

test_a_copy_can_be_recorded() {
    save_console
    vmm copy --record run.exits --restore out/roi.core
    expect copy 0 $'restored, result 3\n2 typed q'
    tail -n 1 run.exits | grep -q '^done [1-9]' || echo "no whole recording: $(tail -n 1 run.exits)"
    vmm replay --replay run.exits
    [ "$status" -eq 0 ] || [ "$status" -eq 212 ] || expect replay 212
}

test_a_guest_that_takes_a_checkpoint_can_be_recorded() {
    printf '0a1' >first.in
    vmm first --out out --record run.exits "$guests/checkpoint-console.bin"
    expect first 0 $'ready\n1 action 0: the same run, result 3\n2 typed a\n3 action 1: '
    vmm replay --replay run.exits
    expect replay 0
}
