/*
 * The journal of a replay: it supplies the inputs that the exit stream gives for an exit, and keeps the
 * effects, as lines, for the comparison. Nothing outside of the machine is read or written.
 *
 * Registers and memory that an exit finds are set in the machine before it begins; the lists below have
 * what it asks for while it is handled.
 */
#ifndef VMM_REPLAY_GIVEN_H
#define VMM_REPLAY_GIVEN_H

#include "vmm/base/text.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_lines.h"

#include <stddef.h>
#include <stdint.h>

struct console;
struct machine;

struct number_list {
    uint64_t *values;
    size_t count, room;
    size_t next; /* index of the next one to be supplied */
};

/* Guest memory that changes during the exit. */
struct memory_change {
    unsigned after; /* so many reads */
    gpa_t address;
    size_t offset, length; /* of its bytes in (bytes) of struct given */
};

struct given {
    struct exit_lines lines; /* the first member, as its journal is */
    struct machine *machine;
    struct vcpu *vcpu; /* whose exit it is */
    uint64_t *rax;     /* of each vCPU, as the inputs say: a handler may change it */

    struct number_list numbers[JOURNAL_NUMBERS];
    uint64_t last[JOURNAL_NUMBERS]; /* supplied; again when the list has ended */

    /* Operations of a kind that fail, counted from 1, and their positive errnos. */
    struct number_list failed[JOURNAL_OPERATIONS], errors[JOURNAL_OPERATIONS];
    unsigned operations[JOURNAL_OPERATIONS]; /* in this exit so far */

    struct memory_change *changes; /* in order of (after) */
    size_t change_count, change_next, change_room;
    struct text bytes;
    unsigned reads; /* of memory, in this exit so far */

    struct console *consoles; /* all of the machine, linked by (next) */
    struct text word;         /* the text or bytes of the line that is parsed; for given_parse.c */
};

/* (machine) has (vcpu_count) vCPUs; it may be made later. Returns 0 or -ENOMEM, with nothing left. */
int given_init(struct given *given, struct machine *machine, unsigned vcpu_count);
void given_finish(struct given *given);

/* Drop the inputs and the effects of the last exit. */
void given_clear(struct given *given);

/* Set a register of vCPU (id) for its next exits. */
void given_set_register(struct given *given, unsigned id, enum vcpu_register reg, uint64_t value);

/*
 * Add inputs of the next exit: each list in order. These return 0 or -ENOMEM; -EINVAL: the operation or
 * the change is not after the last one. The memory of a change must be RAM.
 */
int given_add_number(struct given *given, enum journal_number number, uint64_t value);
int given_add_result(struct given *given, enum journal_operation operation, uint64_t count,
                     uint64_t code);
int given_add_change(struct given *given, uint64_t after, gpa_t address, const struct text *bytes);

/* Returns the console of the device (name), of (length) bytes, or NULL. */
struct console *given_console(const struct given *given, const char *name, size_t length);

/* After the exit: returns the word of an input that was not used, or NULL if all were. */
const char *given_unused(const struct given *given);

#endif
