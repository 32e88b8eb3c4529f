/*
 * Interrupts as devices see them: a line that goes up and down, or a message.
 *
 * A device is given a line and does not know what is at its other end: KVM's interrupt controllers,
 * a test, or nothing. A GSI can be shared: it is up while any of its lines is.
 */
#ifndef VMM_IO_IRQ_H
#define VMM_IO_IRQ_H

#include "vmm/base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define IRQ_GSIS 24 /* of the IOAPIC; 0..15 also reach the PICs */

/* Where interrupts go. Both may be called from any thread. */
struct irq_sink {
    void (*set)(void *opaque, unsigned gsi, bool level);
    void (*message)(void *opaque, uint64_t address, uint32_t data); /* an MSI */
    void *opaque;
};

struct journal;

struct irq_hub {
    struct irq_sink sink; /* functions NULL: nobody listens */
    bool needed;          /* a device cannot do without: the machine gets interrupt controllers */
    pthread_mutex_t lock;
    unsigned raised[IRQ_GSIS]; /* how many lines of the GSI are up */
    unsigned changes;          /* of any GSI so far, modulo 2^32 */
    struct journal *journal;   /* NULL: a plain run */
};

/* A device's end of a line; zeroed: connected to nothing. */
struct irq_line {
    struct irq_hub *hub;
    unsigned gsi;
    bool level;
};

void irq_init(struct irq_hub *hub);
void irq_destroy(struct irq_hub *hub);

/*
 * Connect (line) to (gsi). (needed): without interrupt controllers the device is no use, so they
 * are made; otherwise the line works only if something else has them made. -EINVAL: no such GSI.
 */
int irq_connect(struct irq_hub *hub, struct irq_line *line, unsigned gsi, bool needed,
                struct error *error);

/* Raise or lower; the level that a line has already is no news. Calls of one line are ordered by its device's lock. */
void irq_change(struct irq_line *line, bool level);

static inline void irq_set(struct irq_line *line, bool level)
{
    if (line->hub && line->level != level)
        irq_change(line, level);
}

/*
 * Let (line) have (level) without anybody hearing of it: the interrupt controllers, which are restored
 * on their own, know. For loading a state.
 */
void irq_restore(struct irq_line *line, bool level);

/*
 * How often any GSI went up or down so far. What is saved of devices and interrupt controllers belongs
 * together if this is the same before and after: input can raise an interrupt while no vCPU runs.
 */
unsigned irq_changes(struct irq_hub *hub);

/* Send an MSI, as a device that was given (address) and (data) by the guest. */
void irq_send_message(struct irq_hub *hub, uint64_t address, uint32_t data);

#endif
