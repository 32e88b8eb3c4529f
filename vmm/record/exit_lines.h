/*
 * The tape: the one seam through which an exit's inputs come and its effects go.
 *
 * Guest memory, registers, clocks, interrupts, consoles, logs and files report to it, each in the
 * one place that all devices go through, so no device knows that it is there. A recorder keeps what
 * it hears as lines of an exit stream; a replay lets it say the inputs and compares the effects.
 *
 * A machine without a tape pays one test of a pointer. With one, exits happen one at a time: the
 * lock is held from tape_open() to tape_close(), so the lines are in the order in which things
 * happened. While it is not open, nothing is heard.
 *
 * Every function takes NULL for no tape, except where said.
 */
#ifndef VMM_RECORD_EXIT_LINES_H
#define VMM_RECORD_EXIT_LINES_H

#include "vmm/base/text.h"
#include "vmm/io/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct output;
struct tape_recording;
struct vcpu;

/* Numbers that come from the host. */
enum tape_number { TAPE_CLOCK, TAPE_WALL, TAPE_TSC, TAPE_NUMBERS };

extern const char *const tape_number_names[TAPE_NUMBERS]; /* as in a stream */

/* Operations on what is outside, whose results are inputs. */
enum tape_operation { TAPE_CONSOLE, TAPE_LOG, TAPE_FILE, TAPE_END, TAPE_OPERATIONS };

extern const char *const tape_operation_names[TAPE_OPERATIONS]; /* as in a stream */

/* Numbers that a replay gives to one exit, in their order. */
struct tape_list {
    uint64_t *values;
    size_t count, room, next;
};

/* -ENOMEM. */
int tape_list_add(struct tape_list *list, uint64_t value);

/* Guest memory that changed while the exit went on. */
struct tape_change {
    unsigned after; /* reads */
    gpa_t address;
    size_t offset, length; /* of its bytes in (bytes) of struct tape_given */
};

/* What a replay gives to the exit, beside memory and registers, which it sets before. */
struct tape_given {
    struct tape_list numbers[TAPE_NUMBERS];
    uint64_t last[TAPE_NUMBERS];
    /* Which operations of a kind fail, from 1, and with which (positive) errno. */
    struct tape_list failed[TAPE_OPERATIONS], errors[TAPE_OPERATIONS];
    struct tape_change *changes; /* in order of (after) */
    size_t change_count, change_next, change_room;
    struct text bytes;
};

struct tape {
    pthread_mutex_t lock;
    bool replays; /* inputs are given, and nothing is done outside of the machine */
    bool open;
    struct memory *memory;             /* the guest's; replay */
    struct text head, inputs, effects; /* of what is open: its line, and theirs */
    struct vcpu *vcpu;                 /* whose exit it is; NULL: no exit */
    uint64_t exited;                   /* when that was */

    unsigned reads;                       /* of memory, so far */
    unsigned operations[TAPE_OPERATIONS]; /* so far */

    const struct output *shown; /* whose text (effects) ends with; NULL: with none */
    unsigned shown_bytes;       /* of its last line; 0: that is full */

    struct tape_recording *recording; /* what a recorder keeps; NULL in a replay */
    struct tape_given given;          /* what a replay gives */
    struct console *consoles;         /* those that have a name */
};

void tape_init(struct tape *tape);
void tape_destroy(struct tape *tape);

/* Begin the exit that (vcpu) had at the time (exited), of the host's clock. (tape) is not NULL. */
void tape_open(struct tape *tape, struct vcpu *vcpu, uint64_t exited);

/* Begin an event from outside. False: an exit is under way, which may last. (tape) is not NULL. */
bool tape_try_open(struct tape *tape);

/* What was begun is over; its lines stay until something else begins. (tape) is not NULL. */
void tape_close(struct tape *tape);

static inline bool tape_is_open(const struct tape *tape)
{
    return tape && tape->open;
}

static inline bool tape_replays(const struct tape *tape)
{
    return tape && tape->replays;
}

/* Inputs. */

/* Before and after a read of guest memory, which lies in one slot. */
void tape_before_read(struct tape *tape);
void tape_after_read(struct tape *tape, gpa_t address, const void *bytes, uint64_t length);

/* The number to be used where the host says (live). */
uint64_t tape_take_number(struct tape *tape, enum tape_number number, uint64_t live);

/* The result, 0 or a negative errno, of an operation, where the host said (live). */
int tape_take_result(struct tape *tape, enum tape_operation operation, int live);

/* A replay's: what was given and nobody has asked for, as a word of the stream; NULL: nothing. */
const char *tape_unasked(const struct tape *tape);

/* Register (reg), an enum vcpu_register, of the vCPU whose exit it is, holds (value) and is looked at. */
void tape_see_register(struct tape *tape, unsigned reg, uint64_t value);

/* (length) bytes came from the file that console (name) has for its input. */
void tape_see_typed(struct tape *tape, const char *name, const void *bytes, size_t length);

/* Effects. */

void tape_written(struct tape *tape, gpa_t address, const void *bytes, uint64_t length);

/* A line "> WORD NUMBER…" of (count) numbers, in hexadecimal if (hex). */
void tape_tell(struct tape *tape, const char *word, const uint64_t *numbers, unsigned count,
               bool hex);

/* (output) shows (length) bytes. */
void tape_show(struct tape *tape, const struct output *output, const void *bytes, size_t length);

/* A file was written. */
void tape_tell_file(struct tape *tape, const char *name, uint64_t size, uint64_t hash);

/* The run ends as (outcome) says, with (status) if that is the guest's. */
void tape_tell_end(struct tape *tape, unsigned outcome, int status);

/* Consoles that a replay types at. */
void tape_add_console(struct tape *tape, struct console *console);
void tape_remove_console(struct tape *tape, struct console *console);

#endif
