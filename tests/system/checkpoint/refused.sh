# shellcheck shell=bash disable=SC2034,SC2154 # status, pid and needs_NAME are known to run
# What is no checkpoint, or a damaged one, or that of another machine: refused with one sentence, before any
# instruction runs.

# refused STATUS PATTERN ARGUMENT...: one line on stderr, and nothing shown.
refused() {
    local want=$1 pattern=$2
    shift 2
    vmm run "$@"
    expect "run ($*)" "$want" 2>/dev/null
    [ ! -s run.out ] || echo "$*: it showed: $(head -n 3 run.out)"
    [ "$(wc -l <run.err)" -eq 1 ] || echo "$*: not one sentence: $(head -n 3 run.err)"
    grep -qaE -e "^minivmm: $pattern" run.err || echo "$*: not '$pattern': $(cat run.err)"
}

needs_files_that_are_no_checkpoints_are_refused=nothing
test_files_that_are_no_checkpoints_are_refused() {
    : >empty
    head -c 100000 /dev/zero >zeros
    mkfifo fifo
    refused 201 'none: .*No such file' --restore none
    refused 201 'out: it is not a checkpoint' --restore out
    refused 201 'empty: it is not a checkpoint' --restore empty
    refused 201 'zeros: it is not a checkpoint' --restore zeros
    refused 201 'fifo: it is not a checkpoint' --restore fifo
    refused 201 '/dev/null: it is not a checkpoint' --restore /dev/null
    refused 201 '.*hello.elf: it is not a checkpoint' --restore "$guests/hello.elf"
    refused 201 '.*hello.bin: it is not a checkpoint' --restore "$guests/hello.bin"
    refused 201 'zeros: it is not a checkpoint' info zeros
    refused 201 'none: .*No such file' info none
}

needs_an_unreadable_file_is_refused=nobody
test_an_unreadable_file_is_refused() {
    save
    chmod 755 . "$work"
    chmod 600 roi.core
    cp "$minivmm" minivmm
    "${nobody[@]}" "$PWD/minivmm" --restore roi.core </dev/null >run.out 2>run.err
    status=$?
    expect run 201
    says run '^minivmm: roi.core: .*Permission denied'
}

test_a_machine_that_differs_is_refused() {
    save
    refused 200 'roi.core: its machine differs from --mem' --restore roi.core -m 128
    refused 200 'roi.core: its machine differs from --cpus' --restore roi.core --cpus 2
    refused 200 'roi.core: its machine differs from --irqchip' --restore roi.core --irqchip
    refused 200 'roi.core: .*edu' --restore roi.core --device edu
    refused 200 'roi.core: .*ptlcall' --restore roi.core --ptlcall port=0x600
    refused 200 'roi.core: .*debug-exit' --restore roi.core --debug-exit off
    vmm copy --restore roi.core -m 64 --cpus 1
    expect copy 7
}

test_an_image_beside_the_checkpoint_is_refused() {
    save
    refused 200 '--restore roi.core: ' --restore roi.core "$guests/hello.bin"
    refused 200 '--restore roi.core: ' --restore roi.core -- words
    refused 200 '--restore roi.core: ' --restore roi.core --mode real
    refused 200 '--restore roi.core: ' --restore roi.core --append words
}

test_a_full_or_missing_folder_of_a_copy_is_refused() {
    save
    refused 203 '--out none: ' --restore roi.core --out none
}

# What may not be there is found before the file is looked at for it: the sentence is of the whole file.
needs_a_file_that_is_cut_is_refused=python3
test_a_file_that_is_cut_is_refused() {
    save
    "$here/hostile.py" "$minivmm" cut roi.core 2>&1
}

needs_a_flipped_byte_of_headers_or_notes_is_refused=python3
test_a_flipped_byte_of_headers_or_notes_is_refused() {
    save
    "$here/hostile.py" "$minivmm" flip roi.core 2>&1
}

needs_a_newer_note_or_another_cpu_is_refused=python3
test_a_newer_note_or_another_cpu_is_refused() {
    vmm first --quiet --irqchip --device edu --out . "$guests/checkpoint.bin" -- shutdown
    "$here/hostile.py" "$minivmm" notes roi.core 2>&1
}

# Invalid values, with a correct sum: refused, or a guest that runs as it can; never a
# monitor that crashes.
needs_hostile_values_never_crash_the_monitor=python3
test_hostile_values_never_crash_the_monitor() {
    vmm first --quiet --irqchip --cpus 2 --device edu --out . "$guests/checkpoint.bin" -- shutdown
    "$here/hostile.py" "$minivmm" mend roi.core 2>&1
}

# The checkpoint does not decide which files of this host are emptied or read.
test_a_checkpoint_that_names_a_file_opens_it_only_if_that_is_allowed() {
    vmm first --quiet --out . --ptlcall log=calls.log "$guests/checkpoint.bin" -- shutdown
    echo precious >calls.log
    refused 200 "roi.core: its device 'ptlcall,log=calls.log' names a file" --restore roi.core
    grep -qx precious calls.log || echo "the file was opened"
    vmm copy --quiet --restore roi.core --ptlcall log=calls.log
    expect copy 7 'after: restored, result 3'
    vmm copy --quiet --restore roi.core --allow-files
    expect copy 7 'after: restored, result 3'
}
