/*
 * What a machine is to be made of: as the command line says it, and as an exit stream says it.
 */
#ifndef VMM_PLAN_H
#define VMM_PLAN_H

#include "vmm/error.h"
#include "vmm/stream.h"
#include "vmm/text.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_DEVICES 48

struct machine;
struct machine_config;

struct plan {
    uint64_t memory_size;
    unsigned vcpu_count;
    bool irqchip;
    char *devices[PLAN_DEVICES]; /* TYPE[,NAME=VALUE…], in order of creation; owned */
    unsigned device_count;
};

void plan_free(struct plan *plan);

/* A copy of (from); -ENOMEM, with nothing left behind. */
int plan_copy(struct plan *plan, const struct plan *from, struct error *error);

/* Add a device of (type) with (properties), NULL for none. */
int plan_add_device(struct plan *plan, const char *type, const char *properties,
                    struct error *error);

/* What the plan says of the machine into (config). */
void plan_configure(const struct plan *plan, struct machine_config *config);

/* Make its devices. */
int plan_make_devices(const struct plan *plan, struct machine *machine, struct error *error);

/* Append it to (text), as lines of an exit stream. */
void plan_put(const struct plan *plan, struct text *text);

/*
 * If (line) is one of a plan, take it in: 1; 0 if it is another line; -EINVAL if it is wrong.
 */
int plan_take_line(struct plan *plan, struct cursor *line, struct error *error);

/* Is (plan) what (wanted) is? If not, a sentence, after "FILE: ". */
int plan_compare(const struct plan *plan, const struct plan *wanted, const char *path,
                 struct error *error);

#endif
