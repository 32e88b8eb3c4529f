/*
 * What a machine is to be made of: as the command line says it, and as an exit stream says it.
 */
#ifndef VMM_PLAN_H
#define VMM_PLAN_H

#include "vmm/base/error.h"
#include "vmm/base/lines.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_DEVICES 48

struct machine;
struct machine_config;

struct plan {
    uint64_t memory_size;
    unsigned vcpu_count;
    bool irqchip;
    bool machine_given;                /* by a line of a stream */
    char *devices[PLAN_DEVICES];       /* TYPE[,NAME=VALUE…], in order of creation; owned */
    unsigned long lines[PLAN_DEVICES]; /* of the stream; 0: from elsewhere */
    unsigned device_count;
};

/* What a command line says of a machine: bits. */
enum plan_part { PLAN_MEMORY = 1, PLAN_CPUS = 2, PLAN_IRQCHIP = 4, PLAN_DEVICE_LIST = 8 };

void plan_free(struct plan *plan);

/* A copy of (from); -ENOMEM, with nothing left behind. */
int plan_copy(struct plan *plan, const struct plan *from, struct error *error);

/* Add a device of (type) with (properties), NULL for none. */
int plan_add_device(struct plan *plan, const char *type, const char *properties,
                    struct error *error);

/* What the plan says of the machine into (config). */
void plan_configure(const struct plan *plan, struct machine_config *config);

/* Make its devices, up to the first that is refused: then *failed, unless NULL, is its index. */
int plan_make_devices(const struct plan *plan, struct machine *machine, unsigned *failed,
                      struct error *error);

/* The first of its devices that names a file of the host's, as it describes itself; NULL: none does. */
const char *plan_find_file(const struct plan *plan);

/* Append it to (text), as lines of an exit stream. */
void plan_put(const struct plan *plan, struct text *text);

/*
 * If (line) is one of a plan, take it in: 1; 0 if it is another line; -EINVAL if it is wrong.
 */
int plan_take_line(struct plan *plan, struct cursor *line, struct error *error);

/* Are the (parts), enum plan_part, of (plan), from the file (path), those of (wanted)? If not, a sentence. */
int plan_compare(const struct plan *plan, const struct plan *wanted, unsigned parts,
                 const char *path, struct error *error);

#endif
