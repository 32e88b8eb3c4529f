# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # $ is for gdb; status, pid and needs_NAME are known to run
# What gdb, readelf and `minivmm info` make of a checkpoint.

# gdb's answer to some commands, for the symbols of a guest and a checkpoint, into gdb.out.
ask_gdb() {
    local symbols=$1 core=$2 command words=()
    shift 2
    for command in "$@"; do
        words+=(-ex "$command")
    done
    timeout "$LIMIT" gdb -nx -batch "${words[@]}" "$guests/$symbols" "$core" </dev/null >gdb.out 2>&1
}

gdb_says() {
    grep -qE -e "$1" gdb.out || echo "gdb does not say: $1: $(tail -n 15 gdb.out)"
}

needs_gdb_shows_registers_backtrace_and_memory=gdb
test_gdb_shows_registers_backtrace_and_memory() {
    save
    ask_gdb checkpoint.elf roi.core 'info registers rip rax' backtrace "print 'checkpoint.c'::action" \
        'x/s $rdi' 'x/s actions[0]' 'info symbol $rip' 'x/-1i $rip'
    gdb_says '^rip .*<ptlcall_checkpoint_generic'
    gdb_says '^rax +0x4000000000000003 '
    gdb_says '^#0 .* ptlcall_checkpoint_generic \('
    gdb_says '^#[12] .* main \('
    gdb_says '^\$1 = 1$'
    gdb_says '"roi"$'
    gdb_says '"continue"$'
    gdb_says '^ptlcall_checkpoint_generic .*in section .text'
    gdb_says 'smsw|out '
}

needs_gdb_shows_a_thread_for_each_vcpu=gdb
test_gdb_shows_a_thread_for_each_vcpu() {
    vmm first --quiet --cpus 4 --out . "$guests/checkpoint-smp.bin" -- 4
    expect first 0
    ask_gdb checkpoint-smp.elf roi-3.core 'info threads' 'thread apply all -s print callers[0].cpu' \
        'thread 4' 'print/x $rax' 'print asking'
    [ "$(grep -cE '^[* ] [1-4] +(LWP|Thread|process)' gdb.out)" -eq 4 ] || echo "not 4: $(cat gdb.out)"
    gdb_says '= 0x4000000000000003$'
    gdb_says '= 1$'
}

needs_readelf_lists_notes_and_segments=readelf
test_readelf_lists_notes_and_segments() {
    save
    readelf -lnW roi.core >elf.out 2>elf.err || echo "readelf: exit status $?"
    [ ! -s elf.err ] && ! grep -qi warning elf.out || echo "readelf warns: $(head -n 3 elf.err)"
    grep -qE '^ +CORE +0x[0-9a-f]+[[:space:]]+NT_PRSTATUS' elf.out || echo "no NT_PRSTATUS"
    [ "$(grep -cE '^ +minivmm ' elf.out)" -ge 5 ] || echo "not all notes: $(grep -c minivmm elf.out)"
    grep -qE '^ +LOAD +0x[0-9a-f]+ 0x0*100000 0x0*100000 ' elf.out || echo "no segment of the image"
}

# The same memory in three ways: at info's offset in the file, by gdb, and from the image.
test_the_image_is_where_info_says() {
    local offset
    save
    vmm info info roi.core --translate 0x100000
    expect info 0
    offset=$(sed -n 's/^offset  *\(0x[0-9a-f]*\)$/\1/p' info.out)
    cmp -n 4096 -i "$((offset)):0" roi.core "$guests/checkpoint.bin" \
        || echo "the image is not at '$offset'"
}

# The part of memory that is not zero, in KiB and up to a few holes, and no more.
test_a_large_machine_has_a_small_file() {
    vmm first --quiet -m 4G --out . "$guests/checkpoint.bin" -- shutdown
    expect first 0
    [ "$(stat -c %s roi.core)" -lt 1000000 ] || echo "it has $(stat -c %s roi.core) bytes"
    vmm copy --restore roi.core
    expect copy 7
}

test_info_tells_what_is_in_it() {
    vmm first --quiet -m 96 --cpus 2 --device edu --out . "$guests/checkpoint.bin" -- shutdown
    vmm info info roi.core
    expect info 0
    local pattern
    for pattern in '^saved +20[0-9-]+ [0-9:]+ UTC by minivmm [0-9.]+, after [0-9]+ exits$' \
        '^machine +96 MiB of memory, 2 vCPUs,' '^  serial.0 .* serial$' '^  edu.0 .* edu$' \
        '^vCPU 0 +runs, 64-bit code' '^vCPU 1 +waits for INIT' \
        '^  0x[0-9a-f]{12}  0x[0-9a-f]{12} +[0-9]+ ' '^  CORE +NT_PRSTATUS +2 ' '^  minivmm +vcpu +2 '; do
        has_lines info.out "$pattern" || echo "info has no line like: $pattern"
    done
}

test_info_reads_a_file_that_was_restored_and_saved_again() {
    printf 00q >first.in
    vmm first --out . "$guests/checkpoint-console.bin"
    printf 0q >copy.in
    vmm copy --out . --restore roi.core
    vmm info info roi.core
    expect info 0
}
