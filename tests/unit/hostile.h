/*
 * A hostile guest: bytes that are read as a sequence of exits of two vCPUs, with registers and guest
 * memory to match. The fuzzer makes up the bytes, and so do unit tests.
 *
 * The machine has every device type but the back end of a ring, and no KVM. After each exit it is checked that what the monitor
 * promises still holds; where it does not, the process aborts with a sentence. A machine that has
 * ended is set going again, so that the rest of the bytes is run, too.
 */
#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include "devices/xen/domain.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#define HOSTILE_VCPUS     2
#define HOSTILE_FILE_MAX  (256 * KIB) /* what a file may hold: a longer core dump fails */
#define HOSTILE_DIR_BYTES 64

struct stats;

struct hostile {
    struct machine machine;
    struct xen_world world;
    struct xen_domain domain; /* the machine is domain 1, without a peer */
    struct vcpu *vcpu;        /* whose exit is next */
    struct stats *stats;
    char out_dir[HOSTILE_DIR_BYTES];
    int console;
    bool levels[IRQ_GSIS]; /* of the interrupts, as the monitor has set them */
    bool fetched;          /* registers come with an exit, without being asked for */
    uint64_t last_place;
    const uint8_t *next; /* bytes that are not yet read */
    size_t left;
};

/* Once in a process, before the first run: files are kept short, as by `ulimit -f`. */
void hostile_prepare(void);

/* Make a machine, and take all of it away. */
void hostile_begin(struct hostile *hostile);
void hostile_end(struct hostile *hostile);

/* Run (size) bytes on a machine of their own. */
void hostile_run(const uint8_t *bytes, size_t size);

#endif
