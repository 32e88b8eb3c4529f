#include "vmm/irq.h"

#include <errno.h>
#include <string.h>

void irq_init(struct irq_hub *hub)
{
    memset(hub, 0, sizeof(*hub));
    pthread_mutex_init(&hub->lock, NULL);
}

void irq_destroy(struct irq_hub *hub)
{
    pthread_mutex_destroy(&hub->lock);
}

int irq_connect(struct irq_hub *hub, struct irq_line *line, unsigned gsi, bool needed,
                struct error *error)
{
    if (gsi >= IRQ_GSIS)
        return error_set(error, -EINVAL, "there is no interrupt %u; give one below %u", gsi,
                         IRQ_GSIS);
    *line = (struct irq_line){.hub = hub, .gsi = gsi};
    hub->needed |= needed;
    return 0;
}

void irq_set(struct irq_line *line, bool level)
{
    struct irq_hub *hub = line->hub;
    unsigned *raised;

    if (!hub || line->level == level)
        return;
    line->level = level;
    pthread_mutex_lock(&hub->lock);
    raised = &hub->raised[line->gsi];
    *raised += level ? 1u : -1u;
    if (hub->sink.set && *raised == (level ? 1u : 0u))
        hub->sink.set(hub->sink.opaque, line->gsi, level);
    pthread_mutex_unlock(&hub->lock);
}

void irq_send_message(struct irq_hub *hub, uint64_t address, uint32_t data)
{
    if (hub->sink.message)
        hub->sink.message(hub->sink.opaque, address, data);
}
