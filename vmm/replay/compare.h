/*
 * Comparing the effects of an event with those that an exit stream has.
 */
#ifndef VMM_REPLAY_COMPARE_H
#define VMM_REPLAY_COMPARE_H

#include "vmm/base/error.h"
#include "vmm/base/lines.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct comparison {
    struct lines *lines;        /* the stream; its next lines are the effects of the event */
    const struct text *effects; /* that the replay had, as lines */
    const char *head;           /* the line of the event, */
    unsigned long line;         /* and its number */
    bool may_break_off;         /* the end of the file may cut off effects */
    const char *unused;         /* the word of an input that was not used; NULL: all were */
    uint64_t agreed;            /* lines; counted by compare_effects() */
    struct text *difference;    /* for the user: gets the description */
};

/*
 * Compare the effects. Returns 1 if they agree, 0 if they agree up to the end of the file, -EDOM with a
 * description in (difference), or another negative errno with its sentence in (error).
 */
int compare_effects(struct comparison *comparison, struct error *error);

#endif
