/*
 * How an event arrives: the bits in shared_info, and who is to be told of them.
 */
#include "devices/xen/evtchn_deliver.h"

static uint64_t port_bit(evtchn_port_t port)
{
    return 1ULL << port % EVTCHN_WORD_PORTS;
}

static xen_ulong_t *pending_word(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return &domain->page->info.evtchn_pending[port / EVTCHN_WORD_PORTS];
}

static xen_ulong_t *mask_word(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return &domain->page->info.evtchn_mask[port / EVTCHN_WORD_PORTS];
}

/* The last steps: the selector and the upcall of the port's vCPU. That vCPU's bit, if it must be told. */
static uint32_t select_port(const struct evtchn_domain *domain, evtchn_port_t port)
{
    const unsigned vcpu = domain->ports[port].vcpu;
    const uint64_t bit = 1ULL << port / EVTCHN_WORD_PORTS;
    struct vcpu_info *info = domain->vcpu_info[vcpu];

    if (__atomic_fetch_or(&info->evtchn_pending_sel, bit, __ATOMIC_SEQ_CST) & bit)
        return 0;
    if (__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        return 0;
    return 1u << vcpu;
}

struct evtchn_news evtchn_deliver(struct evtchn_domain *domain, evtchn_port_t port)
{
    const uint64_t bit = port_bit(port);
    struct evtchn_news news = {.domain = domain, .port = port};

    if (!domain->memory)
        return news;
    if (__atomic_fetch_or(pending_word(domain, port), bit, __ATOMIC_SEQ_CST) & bit)
        return (struct evtchn_news){.domain = domain};
    if (!(__atomic_load_n(mask_word(domain, port), __ATOMIC_SEQ_CST) & bit))
        news.vcpus = select_port(domain, port);
    return news;
}

struct evtchn_news evtchn_deliver_unmasked(struct evtchn_domain *domain, evtchn_port_t port)
{
    const uint64_t bit = port_bit(port);
    struct evtchn_news news = {.domain = domain};

    if ((__atomic_fetch_and(mask_word(domain, port), ~bit, __ATOMIC_SEQ_CST) & bit) &&
        evtchn_bit_is_pending(domain, port))
        news.vcpus = select_port(domain, port);
    return news;
}

void evtchn_clear_pending(struct evtchn_domain *domain, evtchn_port_t port)
{
    __atomic_fetch_and(pending_word(domain, port), ~port_bit(port), __ATOMIC_SEQ_CST);
}

bool evtchn_bit_is_pending(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return __atomic_load_n(pending_word(domain, port), __ATOMIC_SEQ_CST) & port_bit(port);
}

void evtchn_tell(const struct evtchn_news *news)
{
    const struct evtchn_domain *domain = news->domain;

    if (news->port && domain->arrived)
        domain->arrived(domain->opaque, news->port);
    if (!news->vcpus || !domain->upcall)
        return;
    for (unsigned vcpu = 0; vcpu < domain->vcpu_count; vcpu++)
        if (news->vcpus & 1u << vcpu)
            domain->upcall(domain->opaque, vcpu);
}
