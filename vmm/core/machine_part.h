/*
 * Parts of a machine: what stands above the core keeps its data of a machine in a part, such as a stub
 * or a Xen domain. The core does not know what the parts are.
 *
 * The owner embeds struct machine_part, and finds it again by its key, the address of an object of its
 * own. Parts are added and removed only while no vCPU runs, so they are found without a lock.
 */
#ifndef VMM_CORE_MACHINE_PART_H
#define VMM_CORE_MACHINE_PART_H

#include <stddef.h>

struct machine_part {
    const void *key;
    const char *unsaved; /* why a machine with this part cannot be saved; NULL: it can */
    struct machine_part *next;
};

static inline void part_add(struct machine_part **list, struct machine_part *part)
{
    part->next = *list;
    *list = part;
}

/* Nothing happens if it is not in the list. */
static inline void part_remove(struct machine_part **list, const struct machine_part *part)
{
    while (*list && *list != part)
        list = &(*list)->next;
    if (*list)
        *list = part->next;
}

/* The part with (key); NULL: there is none. */
static inline struct machine_part *part_find(struct machine_part *list, const void *key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

/* Why the machine with these parts cannot be saved, as a sentence; NULL: it can. */
static inline const char *part_unsaved(const struct machine_part *list)
{
    while (list && !list->unsaved)
        list = list->next;
    return list ? list->unsaved : NULL;
}

#endif
