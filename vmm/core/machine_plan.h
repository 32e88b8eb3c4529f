/*
 * The plan of a machine: what it is made of, from a command line, a checkpoint or an exit stream.
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
    const struct device_type *const *types; /* that its devices may be of; ended by NULL */
    uint64_t memory_size;
    unsigned vcpu_count;
    bool irqchip;
    bool machine_given;                  /* by a line of a stream */
    char *devices[MACHINE_PLAN_DEVICES]; /* TYPE[,NAME=VALUE…], in order of creation; owned */
    unsigned long lines[MACHINE_PLAN_DEVICES]; /* of the stream; 0: from elsewhere */
    unsigned device_count;
};

/* What a command line says of a machine: bits. */
enum machine_plan_part {
    MACHINE_PLAN_MEMORY = 1,
    MACHINE_PLAN_CPUS = 2,
    MACHINE_PLAN_IRQCHIP = 4,
    MACHINE_PLAN_DEVICE_LIST = 8
};

void machine_plan_free(struct machine_plan *plan);

/* A copy of (from); -ENOMEM, with nothing left behind. */
int machine_plan_copy(struct machine_plan *plan, const struct machine_plan *from,
                      struct error *error);

/* Add a device of (type) with (properties), NULL for none. */
int machine_plan_add_device(struct machine_plan *plan, const char *type, const char *properties,
                            struct error *error);

/* What the plan says of the machine into (config). */
void machine_plan_configure(const struct machine_plan *plan, struct machine_config *config);

/* Make its devices, up to the first that is refused: then *failed, unless NULL, is its index. */
int machine_plan_make_devices(const struct machine_plan *plan, struct machine *machine,
                              unsigned *failed, struct error *error);

/* The description of the first device that names a file of the host; NULL: there is none. */
const char *machine_plan_find_file(const struct machine_plan *plan);

/* Append it to (text), as lines of an exit stream. */
void machine_plan_put(const struct machine_plan *plan, struct text *text);

/*
 * Add (line), if it is a line of a plan: 1; 0: it is another line; -EINVAL: it is wrong.
 */
int machine_plan_take_line(struct machine_plan *plan, struct cursor *line, struct error *error);

/* Are the (parts), enum machine_plan_part, of (plan), from the file (path), those of (wanted)? If not, a sentence. */
int machine_plan_compare(const struct machine_plan *plan, const struct machine_plan *wanted,
                         unsigned parts, const char *path, struct error *error);

#endif
