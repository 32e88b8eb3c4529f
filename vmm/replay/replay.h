/*
 * Replaying an exit stream: its inputs go to the devices that it names, and what comes of them is
 * compared with its effects. /dev/kvm is not used.
 *
 * A stream is one run, or several tests, each with a machine of its own.
 */
#ifndef VMM_REPLAY_REPLAY_H
#define VMM_REPLAY_REPLAY_H

#include "vmm/base/error.h"
#include "vmm/base/lines.h"
#include "vmm/base/text.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_plan.h"
#include "vmm/record/exit_lines.h"
#include "vmm/record/exit_parse.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_NAME_MAX 120 /* bytes of a test's name that are kept */

struct replay {
    struct stream stream;
    bool recorded, done;      /* a recording; its end was seen */
    bool begun;               /* replay_next() was called */
    struct machine_plan plan; /* of the file; tests add to copies of it */

    struct machine machine;
    struct tape tape;
    uint64_t *rax; /* of each vCPU, as the inputs say */
    struct stream_event event;
    unsigned long line; /* of the event */
    struct text word;   /* room for one text of a line */

    char name[REPLAY_NAME_MAX]; /* of the test; empty: there are none */
    uint64_t exits, effects;    /* of the test */
    uint64_t all_exits, all_effects;
    struct text difference; /* the first one of the test, for people */
};

/* Open the stream (path) and read its machine, with devices of (types). Close it only after 0. */
int replay_open(struct replay *replay, const char *path, const struct device_type *const *types,
                struct error *error);
void replay_close(struct replay *replay);

/*
 * Run the next test, or all if there are none. 1: as the stream says; 0: there is none;
 * -EDOM: replay->difference tells; else a negative errno with its sentence, and no more can be run.
 * The first call runs also a stream without any exit.
 */
int replay_next(struct replay *replay, struct error *error);

#endif
