/*
 * The journal of a machine: everything that crosses the machine's edge passes through it.
 *
 * Guest memory, registers, clocks, interrupts, consoles, logs and files call it, each in the one place
 * that all devices use, so no device knows of it. There are two kinds: a recorder writes down what it
 * is told; a replay supplies inputs from an exit stream and keeps the effects to compare them. A
 * journal begins with a struct journal, whose table names its functions.
 *
 * A machine without a journal has NULL: each call is then one test of a pointer. With a journal, exits
 * are handled one at a time: between the begin and the end of an event it holds a lock, so events and
 * their lines have one order. Outside of an event nothing is recorded or supplied.
 */
#ifndef VMM_IO_JOURNAL_H
#define VMM_IO_JOURNAL_H

#include "vmm/io/gpa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct output;
struct vcpu;

/* Numbers that come from the host's clocks. */
enum journal_number { JOURNAL_CLOCK, JOURNAL_WALL, JOURNAL_TSC, JOURNAL_NUMBERS };

/* Operations on the outside whose results are inputs. */
enum journal_operation {
    JOURNAL_CONSOLE,
    JOURNAL_LOG,
    JOURNAL_FILE,
    JOURNAL_END,
    JOURNAL_OPERATIONS,
};

struct journal {
    const struct journal_ops *ops;
    bool replays; /* inputs are supplied; nothing outside of the machine is read or written */
    bool open;    /* an event has begun; set and cleared by begin_… and end_… */
};

/*
 * The functions of a journal. Those of inputs and effects are called between the begin and the end of an
 * event only. A function marked with * may be NULL if the journal has nothing to do there.
 */
struct journal_ops {
    /* Events: the exit that (vcpu) had at (exited); the exit was handled at (handled); ns of clock_now(). */
    void (*begin_exit)(struct journal *journal, struct vcpu *vcpu, uint64_t exited);
    void (*end_exit)(struct journal *journal, uint64_t handled);

    /*
     * Input that comes from outside: false if an event is under way, which may take long. At the end,
     * the bytes that were typed at the console (name), NULL for the machine's; 0 bytes: no event.
     */
    bool (*begin_typed)(struct journal *journal);
    void (*end_typed)(struct journal *journal, const char *name, const void *bytes, size_t length);

    /*
     * A device's timer is due: waits while another event is under way. At the end, the timer's name; NULL: it
     * did not fire, so there was no event.
     */
    void (*begin_timer)(struct journal *journal);
    void (*end_timer)(struct journal *journal, const char *name);

    /* Inputs: what the exit uses where the host gives (live), a number or 0 or a negative errno. */
    uint64_t (*supply_number)(struct journal *journal, enum journal_number number, uint64_t live);
    int (*supply_result)(struct journal *journal, enum journal_operation operation, int live);

    /* * Before guest memory is read, which is in one slot, and after. */
    void (*supply_memory)(struct journal *journal);
    void (*record_read)(struct journal *journal, gpa_t address, const void *bytes, uint64_t length);

    /* * A device read register (reg), an enum vcpu_register, of the exit's vCPU. */
    void (*record_register)(struct journal *journal, unsigned reg, uint64_t value);

    /* * Bytes were read from the input file of the console (name). */
    void (*record_input)(struct journal *journal, const char *name, const void *bytes,
                         size_t length);

    /* Effects: guest memory that was written. */
    void (*record_write)(struct journal *journal, gpa_t address, const void *bytes,
                         uint64_t length);

    /* The effect (word) with (count) numbers, printed in hexadecimal if (hex). */
    void (*record_effect)(struct journal *journal, const char *word, const uint64_t *numbers,
                          unsigned count, bool hex);

    /* Bytes that (output) shows. */
    void (*record_text)(struct journal *journal, const struct output *output, const void *bytes,
                        size_t length);

    /* A file was completed. */
    void (*record_file)(struct journal *journal, const char *name, uint64_t size, uint64_t hash);

    /* The machine ends with (outcome), an enum outcome; (status) counts for OUTCOME_GUEST. */
    void (*record_end)(struct journal *journal, unsigned outcome, int status);

    /* * Consoles whose input a replay supplies, from their making to their end. */
    void (*add_console)(struct journal *journal, struct console *console);
    void (*remove_console)(struct journal *journal, struct console *console);
};

/* For callers: as the functions above; (journal) may be NULL except for events. */

static inline bool journal_is_open(const struct journal *journal)
{
    return journal && journal->open;
}

static inline bool journal_replays(const struct journal *journal)
{
    return journal && journal->replays;
}

static inline void journal_begin_exit(struct journal *journal, struct vcpu *vcpu, uint64_t exited)
{
    journal->ops->begin_exit(journal, vcpu, exited);
}

static inline void journal_end_exit(struct journal *journal, uint64_t handled)
{
    journal->ops->end_exit(journal, handled);
}

static inline bool journal_begin_typed(struct journal *journal)
{
    return journal->ops->begin_typed(journal);
}

static inline void journal_end_typed(struct journal *journal, const char *name, const void *bytes,
                                     size_t length)
{
    journal->ops->end_typed(journal, name, bytes, length);
}

static inline void journal_begin_timer(struct journal *journal)
{
    journal->ops->begin_timer(journal);
}

static inline void journal_end_timer(struct journal *journal, const char *name)
{
    journal->ops->end_timer(journal, name);
}

static inline uint64_t journal_supply_number(struct journal *journal, enum journal_number number,
                                             uint64_t live)
{
    return journal_is_open(journal) ? journal->ops->supply_number(journal, number, live) : live;
}

static inline int journal_supply_result(struct journal *journal, enum journal_operation operation,
                                        int live)
{
    return journal_is_open(journal) ? journal->ops->supply_result(journal, operation, live) : live;
}

static inline void journal_supply_memory(struct journal *journal)
{
    if (journal_is_open(journal) && journal->ops->supply_memory)
        journal->ops->supply_memory(journal);
}

static inline void journal_record_read(struct journal *journal, gpa_t address, const void *bytes,
                                       uint64_t length)
{
    if (journal_is_open(journal) && journal->ops->record_read)
        journal->ops->record_read(journal, address, bytes, length);
}

static inline void journal_record_register(struct journal *journal, unsigned reg, uint64_t value)
{
    if (journal_is_open(journal) && journal->ops->record_register)
        journal->ops->record_register(journal, reg, value);
}

static inline void journal_record_input(struct journal *journal, const char *name,
                                        const void *bytes, size_t length)
{
    if (journal_is_open(journal) && journal->ops->record_input)
        journal->ops->record_input(journal, name, bytes, length);
}

static inline void journal_record_write(struct journal *journal, gpa_t address, const void *bytes,
                                        uint64_t length)
{
    if (journal_is_open(journal))
        journal->ops->record_write(journal, address, bytes, length);
}

static inline void journal_record_effect(struct journal *journal, const char *word,
                                         const uint64_t *numbers, unsigned count, bool hex)
{
    if (journal_is_open(journal))
        journal->ops->record_effect(journal, word, numbers, count, hex);
}

static inline void journal_record_text(struct journal *journal, const struct output *output,
                                       const void *bytes, size_t length)
{
    if (journal_is_open(journal))
        journal->ops->record_text(journal, output, bytes, length);
}

static inline void journal_record_file(struct journal *journal, const char *name, uint64_t size,
                                       uint64_t hash)
{
    if (journal_is_open(journal))
        journal->ops->record_file(journal, name, size, hash);
}

static inline void journal_record_end(struct journal *journal, unsigned outcome, int status)
{
    if (journal_is_open(journal))
        journal->ops->record_end(journal, outcome, status);
}

static inline void journal_add_console(struct journal *journal, struct console *console)
{
    if (journal && journal->ops->add_console)
        journal->ops->add_console(journal, console);
}

static inline void journal_remove_console(struct journal *journal, struct console *console)
{
    if (journal && journal->ops->remove_console)
        journal->ops->remove_console(journal, console);
}

#endif
