# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# Saving that fails: the guest gets -EIO and continues, and no file is left, or the old one. And a monitor that
# is killed while it saves.

# A folder in which not even root can make a file.
readonly no_folder=/proc

test_in_a_folder_that_cannot_be_written_the_guest_goes_on() {
    local action
    for action in continue shutdown reboot pause; do
        vmm first --out "$no_folder" "$guests/checkpoint.bin" -- "$action"
        expect first 2 "before: $action"$'\n''failed: -5'
        says first '^ptlcall 1 checkpoint="roi.core" result=-5$'
        says first '^minivmm: checkpoint: .*roi.core.*; the guest continues$'
    done
}

test_in_32_bit_code_the_error_has_32_bits() {
    vmm first --out "$no_folder" --mode protected "$guests/checkpoint-protected.bin" -- port
    expect first 3 $'before\nafter: 0xfffffffb'
}

# full LIMIT: no file may be longer than that.
full() {
    vmm_under prlimit --fsize="$1" -- "$minivmm" --out out "$guests/checkpoint.bin" -- shutdown
    expect first 2 $'before: shutdown\nfailed: -5'
    says first 'roi.core.*File too large'
}

vmm_under() {
    timeout -k 2 "$LIMIT" "$@" </dev/null >first.out 2>first.err
    status=$?
}

needs_a_file_that_finds_no_room_is_not_left_behind=prlimit
test_a_file_that_finds_no_room_is_not_left_behind() {
    local size
    for size in 3000 5000 20000 60000; do
        full $size
        leaves
    done
}

needs_a_file_that_finds_no_room_leaves_the_old_one=prlimit
test_a_file_that_finds_no_room_leaves_the_old_one() {
    vmm first --out out "$guests/checkpoint.bin" -- shutdown
    cp out/roi.core old
    full 20000
    leaves roi.core
    cmp old out/roi.core
    vmm copy --restore out/roi.core
    expect copy 7
}

needs_a_full_disk_is_not_a_success=tmpfs
test_a_full_disk_is_not_a_success() {
    # shellcheck disable=SC2016 # for the shell within
    vmm_under unshare -m bash -c 'mount -t tmpfs -o size=32k none out || exit
        "$0" --out out "$1" -- shutdown; result=$?; ls -A out >left; exit $result' \
        "$minivmm" "$guests/checkpoint.bin"
    expect first 2 $'before: shutdown\nfailed: -5'
    says first 'No space left'
    [ ! -s left ] || echo "files were left: $(cat left)"
}

test_a_directory_of_that_name_stays() {
    mkdir out/roi.core
    vmm first --out out "$guests/checkpoint.bin" -- continue
    expect first 2 $'before: continue\nfailed: -5'
    leaves roi.core
}

test_a_link_of_that_name_is_replaced_and_not_followed() {
    echo precious >precious
    ln -s ../precious out/roi.core
    vmm first --out out "$guests/checkpoint.bin" -- continue
    expect first 3
    [ "$(cat precious)" = precious ] || echo "the link was followed"
    vmm copy --restore out/roi.core
    expect copy 7
}

test_a_signal_that_cannot_save_lets_the_guest_go_on() {
    start first --checkpoint-on SIGUSR1:none/roi.core "$guests/checkpoint-console.bin"
    wait_for first.out ready
    kill -USR1 "$pid"
    wait_for first.err '^minivmm: checkpoint.* none/roi.core: .*; the guest continues$'
    type_in q
    finish
    expect first 0 $'ready\n1 typed q'
}

test_checkpoint_at_that_cannot_save_lets_the_guest_go_on() {
    vmm first --checkpoint-at 10:none/roi.core "$guests/hello.bin"
    expect first 0 'hello from a guest'
    says first 'none/roi.core: .*; the guest continues$'
}

needs_killed_100_times_while_it_saves_no_file_is_half_one=python3
test_killed_100_times_while_it_saves_no_file_is_half_one() {
    "$here/kill.py" "$minivmm" "$guests/checkpoint-often.bin" 100 2>&1
}
