/*
 * Parts of a machine: floors above the core, such as a stub or a Xen domain, keep their data of a
 * machine in a part. The core knows no part by name.
 *
 * The owner embeds struct machine_part and finds it by its key, the address of an object of the
 * owner's. Parts are added and removed only while no vCPU runs, so they are found without a lock.
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

/* Does nothing if it is not in the list. */
static inline void part_remove(struct machine_part **list, const struct machine_part *part)
{
    while (*list && *list != part)
        list = &(*list)->next;
    if (*list)
        *list = part->next;
}

/* The part with (key), or NULL. */
static inline struct machine_part *part_find(struct machine_part *list, const void *key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

/* The reason why a machine with these parts cannot be saved, as a sentence; NULL: it can. */
static inline const char *part_unsaved(const struct machine_part *list)
{
    while (list && !list->unsaved)
        list = list->next;
    return list ? list->unsaved : NULL;
}

#endif
