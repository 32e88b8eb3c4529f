/*
 * What a recorder keeps beside the lines of an exit: what a replay knows already, and where the
 * lines go.
 */
#ifndef VMM_RECORD_RECORDER_LINES_H
#define VMM_RECORD_RECORDER_LINES_H

#include "vmm/base/async_file.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_lines.h"
#include "vmm/record/known_pages.h"

#define TAPE_TOUCHES 32

/* Registers of a vCPU. */
struct tape_registers {
    uint32_t known; /* bits by enum vcpu_register: a replay has (values) of them */
    uint32_t seen;  /* looked at in this exit */
    uint32_t news;  /* and not known to be as they are */
    uint64_t values[VCPU_REGISTERS];
};

struct tape_recording {
    struct async_file *spool;
    struct known_pages *shadow;
    struct tape_registers *registers; /* of each vCPU */
    uint64_t exits;                   /* so far */
    uint64_t last_exited;             /* the time of the last one */
    bool failed;                      /* memory ran out: lines are missing */
    bool head_written;                /* of what is open: it was spilled */

    /* Memory that this exit has read or written; the last one stands for all if there are more. */
    struct {
        uint64_t first, last;
    } touches[TAPE_TOUCHES];
    unsigned touch_count;
};

/* Memory was written by the handler: a replay will have it. */
void tape_touch(struct tape *tape, gpa_t address, const void *bytes, uint64_t length);

/* Memory inputs get long: write the lines so far. Not for string I/O, whose line is not known yet. */
void tape_spill(struct tape *tape);

/* Put all lines of what is open into the spool. */
void tape_emit(struct tape *tape);

/* The exit was handled at the time (handled): its own line, and the data for the guest. */
void tape_put_exit(struct tape *tape, uint64_t handled);

/* The line of what was typed at the console (name), NULL: the machine's. */
void tape_put_typed(struct tape *tape, const char *name, const void *bytes, size_t length);

#endif
