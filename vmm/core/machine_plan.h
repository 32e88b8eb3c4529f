/*
 * The plan of a machine: its memory, vCPUs and devices, from a command line, a checkpoint or an
 * exit stream.
 */
#ifndef VMM_CORE_MACHINE_PLAN_H
#define VMM_CORE_MACHINE_PLAN_H

#include "vmm/base/error.h"
#include "vmm/base/lines.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_PLAN_DEVICES 48

struct device_type;
struct machine;
struct machine_config;

struct machine_plan {
    const struct device_type *const *types; /* the types that its devices may have; ended by NULL */
    uint64_t memory_size;
    unsigned vcpu_count;
    bool irqchip;
    bool machine_given;                  /* by a line of a stream */
    char *devices[MACHINE_PLAN_DEVICES]; /* TYPE[,NAME=VALUE…], in order of creation; owned */
    unsigned long lines[MACHINE_PLAN_DEVICES]; /* of the stream; 0: not from a stream */
    unsigned device_count;
};

/* The parts of a machine that a command line gives: bits. */
enum machine_plan_part {
    MACHINE_PLAN_MEMORY = 1,
    MACHINE_PLAN_CPUS = 2,
    MACHINE_PLAN_IRQCHIP = 4,
    MACHINE_PLAN_DEVICE_LIST = 8
};

void machine_plan_free(struct machine_plan *plan);

/* Copy (from); -ENOMEM: (plan) owns nothing. */
int machine_plan_copy(struct machine_plan *plan, const struct machine_plan *from,
                      struct error *error);

/* Add a device of (type) with (properties), which may be NULL. */
int machine_plan_add_device(struct machine_plan *plan, const char *type, const char *properties,
                            struct error *error);

/* Copy the plan's memory size, vCPU count and irqchip to (config). */
void machine_plan_configure(const struct machine_plan *plan, struct machine_config *config);

/*
 * Make the plan's devices in order; stops at the first that fails, whose index is stored in *failed
 * unless that is NULL.
 */
int machine_plan_make_devices(const struct machine_plan *plan, struct machine *machine,
                              unsigned *failed, struct error *error);

/* The description of the first device that uses a file of the host; NULL: none does. */
const char *machine_plan_find_file(const struct machine_plan *plan);

/* Append the plan to (text), as lines of an exit stream. */
void machine_plan_print(const struct machine_plan *plan, struct text *text);

/*
 * Parse (line). 1: it was added to the plan; 0: it is not a line of a plan; -EINVAL: it is
 * malformed.
 */
int machine_plan_parse_line(struct machine_plan *plan, struct cursor *line, struct error *error);

/*
 * Are the (parts), of enum machine_plan_part, of (plan), from the file (path), equal to (wanted)'s?
 * If not, -EINVAL with a sentence.
 */
int machine_plan_compare(const struct machine_plan *plan, const struct machine_plan *wanted,
                         unsigned parts, const char *path, struct error *error);

#endif
