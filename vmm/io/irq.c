#include "vmm/io/irq.h"

#include "vmm/io/journal.h"

#include <errno.h>
#include <string.h>

void irq_init(struct irq_hub *hub)
{
    memset(hub, 0, sizeof(*hub));
    pthread_mutex_init(&hub->lock, NULL);
}

void irq_finish(struct irq_hub *hub)
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

static void set_gsi(struct irq_hub *hub, unsigned gsi, bool level)
{
    hub->changes++;
    journal_record_effect(hub->journal, "irq", (const uint64_t[]){gsi, level}, 2, false);
    if (hub->sink.set)
        hub->sink.set(hub->sink.opaque, gsi, level);
}

/* True: the level of the GSI changes with the line. The lock of the hub is held. */
static bool count_line(struct irq_line *line, bool level)
{
    unsigned *raised = &line->hub->raised[line->gsi];

    line->level = level;
    *raised += level ? 1u : -1u;
    return *raised == (level ? 1u : 0u);
}

void irq_change(struct irq_line *line, bool level)
{
    struct irq_hub *hub = line->hub;

    pthread_mutex_lock(&hub->lock);
    if (count_line(line, level))
        set_gsi(hub, line->gsi, level);
    pthread_mutex_unlock(&hub->lock);
}

void irq_restore(struct irq_line *line, bool level)
{
    if (!line->hub || line->level == level)
        return;
    pthread_mutex_lock(&line->hub->lock);
    count_line(line, level);
    pthread_mutex_unlock(&line->hub->lock);
}

unsigned irq_changes(struct irq_hub *hub)
{
    unsigned changes;

    pthread_mutex_lock(&hub->lock);
    changes = hub->changes;
    pthread_mutex_unlock(&hub->lock);
    return changes;
}

void irq_send_message(struct irq_hub *hub, uint64_t address, uint32_t data)
{
    journal_record_effect(hub->journal, "msi", (const uint64_t[]){address, data}, 2, true);
    if (hub->sink.message)
        hub->sink.message(hub->sink.opaque, address, data);
}
