/*
 * The machine of a hostile guest: every device type but the back end of a ring, and no KVM. After each
 * exit it is checked that what the monitor promises still holds; where it does not, the process aborts
 * with a sentence. tests/unit/hostile_steps.h makes its exits.
 */
#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include "devices/xen/domain.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#define HOSTILE_VCPUS     2
#define HOSTILE_FILE_MAX  (256 * KIB) /* what a file may hold: a longer core dump fails */
#define HOSTILE_DIR_BYTES 64

/* As in KVM's run page: the data of a port access lie after the structure. */
#define HOSTILE_RUN_SIZE    (3 * PAGE_SIZE)
#define HOSTILE_DATA_OFFSET PAGE_SIZE

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

/* Abort with (what) unless it (holds). */
void hostile_require(bool holds, const char *what);

/*
 * Handle the exit in the run page of hostile->vcpu, and check the promises. A machine that has ended
 * is set going again.
 */
void hostile_exit(struct hostile *hostile);

/* Write the crash report and the statistics to /dev/null. */
void hostile_report(struct hostile *hostile);

/* Reset every device. */
void hostile_reset(struct hostile *hostile);

#endif
