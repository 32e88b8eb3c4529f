# shellcheck shell=bash disable=SC2154
# Of tests/guests/run: saving each guest and going on from there, as tests/system/checkpoint/equal wants it.

points=${POINTS:-3}

# Which tests are not saved: their stdout cannot be compared, or there is no machine, or no end of it.
is_never_saved() {
    [ "$kind" = tty ] || [ -n "$reader" ] || has_need user \
        || { [ "$status" -ge 200 ] && [ "$status" -le 203 ]; } || [ "$status" -eq 209 ]
}

# Where the run of the recording (file) can be saved: after how many exits of vCPU 0. The places are
# spread over those exits that are neither for the console nor for the date, or over all where such are
# few. Behind the last exit there is nothing to save.
checkpoint_places() {
    awk -v points="$points" '
        /^[a-z][^"]* ; / {
            all[++exits] = exits
            if (!/^(in|out) 0x(3f[8-f]|7[01]) /) some[++others] = exits
        }
        END {
            few = others <= points
            last = (few ? exits : others) - 1
            for (i = 1; i <= points && last > 0; i++) {
                place = int((i * (last + 1) + points) / (points + 1))
                if (place > last) place = last
                if (place != before) print few ? place : some[place]
                before = place
            }
        }' "$1"
}

# Does the recording (file) have input from outside after its last exit?
has_late_input() {
    tac "$1" | sed -n '/ ; /q; p' | grep -q '^typed '
}

# The run up to the checkpoint after (exits), as first-EXITS; false: there was none. A guest that waits
# for the clock, or for input, has fewer exits in another run: if it ends before, it is saved sooner.
# It is unknown whether input at the end was saved: then there must not be any, as so many exits
# do not need it.
save() {
    local exits=$1 words attempt input=$stdin
    for ((attempt = 0; attempt < 8 && exits > 0; attempt++)); do
        rm -f "$dir/core"
        build_words "$dir/first-$1.exits" --checkpoint-at "$exits:$dir/core"
        printf %b "$input" | "${words[@]}" >"$dir/first-$1.out" 2>"$dir/stderr"
        got=${PIPESTATUS[1]}
        if [ ! -e "$dir/core" ]; then
            exits=$((exits / 2))
        elif has_late_input "$dir/first-$1.exits"; then
            input=''
        else
            [ "$got" -eq 0 ] || complain "saving after $exits exits: exit status $got"
            return
        fi
    done
    # Where another CPU ended this run at once, there is no place in it.
    [ -z "$(checkpoint_places "$dir/first-$1.exits")" ] \
        || complain "saving after $1 exits: no checkpoint; exit status $got"
    return 1
}

# The run from there on, as second-EXITS. It gets the input, if the first one had none.
restore() {
    local input=$stdin limit=()
    ! grep -q '^typed "' "$dir/first-$1.exits" || input=''
    [[ $options =~ (--timeout)\ ([0-9.]+) ]] && limit=("${BASH_REMATCH[@]:1}")
    printf %b "$input" | timeout -k 2 $((timeout * factor)) "$program" --out "$out" "${limit[@]}" \
        --record "$dir/second-$1.exits" --allow-files --restore "$dir/core" >"$dir/second-$1.out" 2>"$dir/stderr"
    got=${PIPESTATUS[1]}
    [ "$got" -eq "$status" ] || complain "restored after $1 exits: exit status $got, not $status"
}

check_checkpoints() {
    local exits saved=()
    cp "$dir/stdout" "$dir/full.out"
    for exits in $(checkpoint_places "$dir/full.exits"); do
        save "$exits" || continue
        restore "$exits"
        saved+=("$exits")
    done
    "$here/../system/checkpoint/compare.py" "$dir" ${saved[@]+"${saved[@]}"} 2>&1 | sed 's/^/#   /' \
        >>"$dir/complaints"
}
