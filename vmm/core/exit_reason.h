/* Exit reasons: their names, and the record of a vCPU's last exits. */
#ifndef VMM_CORE_EXIT_REASON_H
#define VMM_CORE_EXIT_REASON_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Sizes of tables by exit reason; EXIT_REASON_OTHER stands for every reason that minivmm does not
 * know.
 */
#define EXIT_REASONS      48
#define EXIT_REASON_OTHER (EXIT_REASONS - 1)

struct exit_name {
    const char *name, *words; /* NULL: minivmm does not know the reason */
};

extern const struct exit_name exit_names[EXIT_REASONS];

/* The index of (reason) in such tables. */
static inline unsigned exit_reason_index(uint32_t reason)
{
    return reason < EXIT_REASON_OTHER && exit_names[reason].name ? reason : EXIT_REASON_OTHER;
}

const char *exit_reason_name(uint32_t reason);  /* "io"; "other" */
const char *exit_reason_words(uint32_t reason); /* "port I/O"; for reports */

/* The record of an exit for the crash report: small, since it is written at every exit. */
struct exit_record {
    uint64_t number;  /* 1 for the vCPU's first exit; 0: the slot is empty */
    uint64_t address; /* port or gpa; MSR number; else 0 */
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

#endif
