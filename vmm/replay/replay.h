/*
 * Replaying an exit stream: its inputs go to the devices that it names, and their effects are compared
 * with its own. /dev/kvm is not used.
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
#include "vmm/record/exit_parse.h"
#include "vmm/replay/given.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_NAME_MAX 120 /* bytes of a test's name that are kept */

struct replay {
    struct lines lines;       /* the stream */
    bool recorded;            /* --record wrote it */
    bool done;                /* its end was read */
    bool begun;               /* replay_next() was called */
    struct machine_plan plan; /* of the stream; each test adds to a copy of it */

    struct machine machine;
    struct given given; /* its journal */
    struct exit_event event;
    unsigned long line; /* number of the event's line */

    char name[REPLAY_NAME_MAX]; /* of the test; empty: the stream has no tests */
    uint64_t exits, effects;    /* of the test */
    uint64_t all_exits, all_effects;
    struct text difference; /* the first one of the test, described for the user */
};

/* Open the stream (path) and read the machine that it describes, with devices of (types). Close after success only. */
int replay_open(struct replay *replay, const char *path, const struct device_type *const *types,
                struct error *error);
void replay_close(struct replay *replay);

/*
 * Run the next test, or the whole stream if it has no tests; one without exits counts as well. Returns
 * 1 if it agrees with the stream, 0 if there is no further test, and -EDOM if it differs, see
 * (replay->difference). Another negative errno has its sentence in (error).
 */
int replay_next(struct replay *replay, struct error *error);

/* True if the stream is a recording without its end; its last exit may be incomplete. */
static inline bool replay_is_broken_off(const struct replay *replay)
{
    return replay->recorded && !replay->done && replay->lines.ended;
}

#endif
