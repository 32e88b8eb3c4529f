/*
 * exit_handle(): what an exit of a vCPU leads to.
 *
 * The way of every exit: KVM_RUN → struct kvm_run → exit_handle() → bus → device → guest memory,
 * registers → KVM_RUN. exit_handle() makes no ioctl, holds no file descriptor and never ends the
 * process: a test fills a buffer with an exit and calls it.
 */
#ifndef VMM_CORE_EXIT_H
#define VMM_CORE_EXIT_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

enum exit_action {
    EXIT_RESUME,    /* run on */
    EXIT_REGISTERS, /* nothing was done: a device needs the registers; get them and call again */
    EXIT_SERVE,     /* as EXIT_RESUME, after vcpu_run_work() */
    EXIT_STOP,      /* the machine has ended: machine_outcome() says how */
};

/*
 * Handle the exit in vcpu->run. Data for the guest and changed registers go into the same page
 * (with kvm_dirty_regs), as KVM takes them at the next KVM_RUN.
 */
enum exit_action exit_handle(struct machine *machine, struct vcpu *vcpu);

/* Exit reasons by number, for statistics and reports; EXIT_REASON_OTHER stands for all beyond. */
#define EXIT_REASONS      48
#define EXIT_REASON_OTHER (EXIT_REASONS - 1)

struct exit_kind {
    const char *name, *words;
    enum exit_action (*handle)(struct machine *machine, struct vcpu *vcpu); /* NULL: unknown */
};

extern const struct exit_kind exit_kinds[EXIT_REASONS];

/* Into tables of EXIT_REASONS. */
static inline unsigned exit_reason_index(uint32_t reason)
{
    return reason < EXIT_REASON_OTHER && exit_kinds[reason].handle ? reason : EXIT_REASON_OTHER;
}

const char *exit_reason_name(uint32_t reason);  /* "io"; "other" */
const char *exit_reason_words(uint32_t reason); /* "port I/O"; for reports */

/* What is kept of an exit for the crash report: small, written at every exit. */
struct exit_record {
    uint64_t number;  /* 1 for the vCPU's first exit; 0: the slot is empty */
    uint64_t address; /* port or gpa; MSR number; 0 otherwise */
    uint64_t data;    /* the first element, at most 8 bytes */
    uint32_t reason;
    uint32_t count; /* elements of a string I/O, else 1 */
    uint8_t size;   /* bytes of an element; 0: the exit has none */
    bool write;
};

#define EXIT_HISTORY 16

struct exit_history {
    uint64_t total; /* exits so far */
    struct exit_record records[EXIT_HISTORY];
};

/* Record in vcpu->history the exit that exit_handle() has just handled, with what it returned. */
void exit_remember(struct vcpu *vcpu);

#endif
