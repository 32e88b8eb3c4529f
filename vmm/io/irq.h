/*
 * Interrupts as devices see them: a line that is raised and lowered, or a message.
 *
 * A device has a line and does not know its receiver: KVM's interrupt controllers, a test, or
 * nothing. A GSI can be shared: it is raised while any of its lines is.
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
    struct irq_sink sink; /* functions NULL: no receiver */
    bool needed;          /* a device needs interrupts: the machine gets interrupt controllers */
    pthread_mutex_t lock;
    unsigned raised[IRQ_GSIS]; /* the number of raised lines of each GSI */
    unsigned changes;          /* level changes of all GSIs so far, modulo 2^32 */
    struct journal *journal;   /* NULL: a plain run */
};

/* A device's end of a line; zeroed: not connected. */
struct irq_line {
    struct irq_hub *hub;
    unsigned gsi;
    bool level;
};

void irq_init(struct irq_hub *hub);
void irq_finish(struct irq_hub *hub);

/*
 * Connect (line) to (gsi). (needed): the device needs interrupt controllers, so the machine makes
 * them; otherwise the line works only if they are made for another reason. -EINVAL: no such GSI.
 */
int irq_connect(struct irq_hub *hub, struct irq_line *line, unsigned gsi, bool needed,
                struct error *error);

/*
 * Raise or lower (line); no change, no effect. Calls for one line are ordered by its device's lock.
 */
void irq_change(struct irq_line *line, bool level);

static inline void irq_set(struct irq_line *line, bool level)
{
    if (line->hub && line->level != level)
        irq_change(line, level);
}

/*
 * Set the level of (line) without notifying the interrupt controllers, whose state is restored
 * separately. For loading a state.
 */
void irq_restore(struct irq_line *line, bool level);

/*
 * The number of level changes of all GSIs so far. The saved states of devices and interrupt
 * controllers are consistent if it is the same before and after: input can raise an interrupt while
 * no vCPU runs.
 */
unsigned irq_changes(struct irq_hub *hub);

/* Send an MSI with the (address) and (data) that the guest has set in the device. */
void irq_send_message(struct irq_hub *hub, uint64_t address, uint32_t data);

#endif
