/*
 * A machine: its memory, buses, devices and vCPUs, its outcome, and the functions that devices may
 * call.
 *
 * All state is in this struct; there are no globals. Without kvm_open() exits come from another
 * source, such as a test. vmm/core/machine_run.h creates and runs a machine.
 */
#ifndef VMM_CORE_MACHINE_H
#define VMM_CORE_MACHINE_H

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"
#include "vmm/core/kvm.h"
#include "vmm/core/machine_part.h"
#include "vmm/core/observer.h"
#include "vmm/core/pause.h"
#include "vmm/core/x86.h"
#include "vmm/io/bus.h"
#include "vmm/io/console.h"
#include "vmm/io/device.h"
#include "vmm/io/irq.h"
#include "vmm/io/journal.h"
#include "vmm/io/memory.h"
#include "vmm/io/msr.h"
#include "vmm/io/outfile.h"
#include "vmm/io/pci.h"
#include "vmm/io/timer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_CPUID_LEAVES 8
#define MACHINE_POST         0x100u

struct machine_plan;
struct vcpu_runner;

/* OUTs of any width to (port) raise (fd), an eventfd. Both belong to the device. */
struct machine_event {
    uint16_t port;
    int fd;
    struct machine_event *next;
};

struct machine_config {
    uint64_t memory_size; /* bytes */
    unsigned vcpu_count;
    bool unpaged;   /* vCPU 0 starts with paging off */
    int console_fd; /* for the guest's console; not closed by the machine */
    enum output_policy console_policy;
    const char *out_dir; /* directory of the files that the guest writes */
    int message_fd;      /* for notices, and logs that have no file; -1: no notices */
    const char *name;    /* begins each notice, such as "d1: "; NULL: no name */
    bool irqchip;        /* interrupt controllers even if no device needs them */
    struct vcpu *vcpus; /* zeroed room for its vCPUs, the caller's; NULL: the machine has its own */
    uint64_t wall_clock; /* a fixed date, for tests; 0: the host's */
    uint64_t clock;      /* the same for machine_clock() */
};

struct machine {
    struct machine_config config;
    struct memory memory;
    struct bus bus[BUS_SPACES];
    struct device *devices;
    struct irq_hub irqs;
    struct pci_bus pci;
    struct console console;
    int out_dir_fd; /* O_PATH; -1: no file may be written */

    /* CPUID leaves that devices offer to every vCPU. */
    struct kvm_cpuid_entry2 cpuid_leaves[MACHINE_CPUID_LEAVES];
    unsigned cpuid_leaf_count;

    struct machine_event *events; /* handled by KVM, not as exits */

    struct msr_table msrs;      /* that devices serve */
    struct machine_part *parts; /* data of the floors above the core */

    const struct machine_plan *plan; /* the plan it was made from, for checkpoints; NULL: none */
    union kvm_cpuid_table *cpuid;    /* of vCPU 0; owned, made with the VM */
    bool reboots;                    /* the end is a reboot */
    atomic_bool held;                /* by machine_hold() */

    const struct vcpu_runner *runner; /* replaces KVM_RUN and its exit for some vCPUs; NULL: none */

    struct journal *journal;    /* NULL: a plain run. The caller's */
    struct observer *observers; /* NULL: no exit is measured; see vmm/core/observer.h */

    atomic_uint post; /* MACHINE_POST | the last milestone, a byte written to port 0x80; 0: none */

    struct pause pause;
    struct kvm kvm; /* its descriptors are -1 until kvm_open() */
    struct vcpu *vcpus;
    unsigned vcpu_count;

    atomic_uint end;        /* enum outcome | guest status << 8: set once, by machine_end() */
    atomic_bool abandoned;  /* ended from outside: do not wait for a stalled reader */
    atomic_bool all_kicked; /* the first vCPU that noticed the end has kicked the others */
    struct vcpu
        *ended_by; /* the vCPU that crashed, for the report; valid once all vCPUs are at rest */

    struct timer_list timers; /* of its devices */
    pthread_t timer_thread;   /* fires them, if (has_timer_thread) */
    bool has_timer_thread;
};

/* Set the machine's journal, before any device is made. It must outlive the machine. */
void machine_set_journal(struct machine *machine, struct journal *journal);

/*
 * End the machine in an exit. Only the first call counts; it returns true. Any thread. (status) is
 * the guest's for OUTCOME_GUEST, clamped to 0..GUEST_STATUS_MAX. vCPUs notice the end at their next
 * exit or kick.
 */
bool machine_end(struct machine *machine, enum outcome outcome, int status);

/* The same outside of an exit: for a limit, a signal or a failure of KVM. */
bool machine_stop(struct machine *machine, enum outcome outcome);

/* For a device whose exit takes long: has the machine ended meanwhile? */
bool machine_wants_end(struct machine *machine);

/* Begin the file (name)(ending) of the guest in the --out directory, as outfile_begin(). */
int machine_begin_file(struct machine *machine, struct outfile *file, const char *name,
                       const char *ending);

static inline enum outcome machine_outcome(struct machine *machine)
{
    return (enum outcome)(atomic_load_explicit(&machine->end, memory_order_acquire) & 0xff);
}

/* The guest's own status, for OUTCOME_GUEST. */
static inline int machine_status(struct machine *machine)
{
    return (int)(atomic_load_explicit(&machine->end, memory_order_acquire) >> 8);
}

/* Add a device's CPUID leaf to every vCPU. -EBUSY: another device has this leaf; -ENOSPC. */
int machine_offer_cpuid(struct machine *machine, const struct kvm_cpuid_entry2 *leaf,
                        struct error *error);

/*
 * For create(). If KVM supports it, OUTs to the event's port raise its eventfd from
 * machine_make_vm() on and cause no exit. Otherwise they are exits, so the device claims the port
 * too. (event) must not move while the machine lives.
 */
void machine_add_event(struct machine *machine, struct machine_event *event);

/* False with a journal: it records exits only, and an event is not an exit. */
static inline bool machine_takes_events(const struct machine *machine)
{
    return !machine->journal;
}

/*
 * The clocks that devices read: nanoseconds since a fixed point, which continue in a restored machine
 * that has timers; the date in nanoseconds since 1970 (UTC); and the host's time-stamp counter.
 */
uint64_t machine_clock(struct machine *machine);
uint64_t machine_wall_clock(struct machine *machine);
uint64_t machine_tsc(struct machine *machine);

/* A guest's progress reports: a marker of ptlcall, or a POST code. */
enum milestone { MILESTONE_MARKER, MILESTONE_POST };
void machine_pass_milestone(struct machine *machine, enum milestone milestone, uint64_t value);

/* Write one line to message_fd: "minivmm: NAME…". */
void machine_notice(struct machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
