/*
 * What the parts of a replay have of each other.
 */
#ifndef VMM_REPLAY_REPLAY_PARTS_H
#define VMM_REPLAY_REPLAY_PARTS_H

#include "vmm/replay/replay.h"

/*
 * replay_open.c: lines of a header into (plan), up to the first that is none; and the machine that a
 * plan asks for, with its tape.
 */
int replay_read_plan(struct replay *replay, struct machine_plan *plan, struct error *error);
int replay_make_machine(struct replay *replay, const struct machine_plan *plan,
                        struct error *error);
void replay_end_machine(struct replay *replay);

/* A recording that broke off may lack the end of its last exit. */
static inline bool replay_is_broken_off(const struct replay *replay)
{
    return replay->recorded && !replay->done && replay->lines.ended;
}

/* replay_input.c: take in what a `<` line says, for the exit of vCPU (id); it is behind the `<`. */
int replay_take_input(struct replay *replay, struct cursor *line, unsigned id, struct error *error);

/* Forget what was given to one exit. */
void replay_clear_inputs(struct replay *replay);

/*
 * replay_compare.c: the `>` lines that come next beside the tape's effects; (head) is the event's
 * line. 1: they agree, 0: they do and the stream ends; -EDOM: replay->difference tells; -errno.
 */
int replay_compare(struct replay *replay, const char *head, struct error *error);

#endif
