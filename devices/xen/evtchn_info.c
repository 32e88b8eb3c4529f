/*
 * Where a guest has its shared_info page and its vCPUs' structs, and the delivery of events there.
 */
#include "devices/xen/evtchn_info.h"

#include <errno.h>
#include <string.h>

#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))
#define WORD_PORTS 64u /* a bit of the selector stands for a word of pending bits */

void evtchn_world_init(struct evtchn_world *world)
{
    pthread_mutex_init(&world->lock, NULL);
}

void evtchn_world_finish(struct evtchn_world *world)
{
    pthread_mutex_destroy(&world->lock);
}

void evtchn_init(struct evtchn_domain *domain, struct evtchn_world *world, domid_t domid,
                 unsigned vcpu_count, struct memory *memory)
{
    memset(domain, 0, sizeof(*domain));
    domain->world = world;
    domain->domid = domid;
    domain->vcpu_count = vcpu_count;
    domain->memory = memory;
    domain->page = &domain->early;
    for (unsigned vcpu = 0; vcpu < EVTCHN_VCPUS; vcpu++)
        domain->vcpu_info[vcpu] = &domain->early.info.vcpu_info[vcpu];
}

static uint64_t port_bit(evtchn_port_t port)
{
    return 1ULL << port % WORD_PORTS;
}

static xen_ulong_t *pending_word(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return &domain->page->info.evtchn_pending[port / WORD_PORTS];
}

static xen_ulong_t *mask_word(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return &domain->page->info.evtchn_mask[port / WORD_PORTS];
}

/*
 * The last steps: set the selector and the upcall of the port's vCPU. Returns the vCPU's bit if it
 * must be notified.
 */
static uint32_t select_port(const struct evtchn_domain *domain, evtchn_port_t port)
{
    const unsigned vcpu = domain->ports[port].vcpu;
    const uint64_t bit = 1ULL << port / WORD_PORTS;
    struct vcpu_info *info = domain->vcpu_info[vcpu];

    if (__atomic_fetch_or(&info->evtchn_pending_sel, bit, __ATOMIC_SEQ_CST) & bit)
        return 0;
    if (__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        return 0;
    return 1u << vcpu;
}

struct evtchn_notice evtchn_deliver(struct evtchn_domain *domain, evtchn_port_t port)
{
    const uint64_t bit = port_bit(port);
    struct evtchn_notice notice = {.domain = domain, .port = port};

    if (!domain->memory)
        return notice;
    if (__atomic_fetch_or(pending_word(domain, port), bit, __ATOMIC_SEQ_CST) & bit)
        return (struct evtchn_notice){.domain = domain};
    if (!(__atomic_load_n(mask_word(domain, port), __ATOMIC_SEQ_CST) & bit))
        notice.vcpus = select_port(domain, port);
    return notice;
}

struct evtchn_notice evtchn_deliver_unmasked(struct evtchn_domain *domain, evtchn_port_t port)
{
    const uint64_t bit = port_bit(port);
    struct evtchn_notice notice = {.domain = domain};

    if ((__atomic_fetch_and(mask_word(domain, port), ~bit, __ATOMIC_SEQ_CST) & bit) &&
        evtchn_bit_is_pending(domain, port))
        notice.vcpus = select_port(domain, port);
    return notice;
}

void evtchn_clear_pending(struct evtchn_domain *domain, evtchn_port_t port)
{
    __atomic_fetch_and(pending_word(domain, port), ~port_bit(port), __ATOMIC_SEQ_CST);
}

bool evtchn_bit_is_pending(const struct evtchn_domain *domain, evtchn_port_t port)
{
    return __atomic_load_n(pending_word(domain, port), __ATOMIC_SEQ_CST) & port_bit(port);
}

void evtchn_notify(const struct evtchn_notice *notice)
{
    const struct evtchn_domain *domain = notice->domain;

    if (notice->port && domain->arrived)
        domain->arrived(domain->opaque, notice->port);
    if (!notice->vcpus || !domain->upcall)
        return;
    for (unsigned vcpu = 0; vcpu < domain->vcpu_count; vcpu++)
        if (notice->vcpus & 1u << vcpu)
            domain->upcall(domain->opaque, vcpu);
}

static bool upcall_is_pending(const struct evtchn_domain *domain, unsigned vcpu)
{
    return __atomic_load_n(&domain->vcpu_info[vcpu]->evtchn_upcall_pending, __ATOMIC_SEQ_CST);
}

static void page_copy(union evtchn_page *to, union evtchn_page *from)
{
    for (unsigned i = 0; i < PAGE_WORDS; i++) {
        uint64_t word = __atomic_load_n(&from->words[i], __ATOMIC_SEQ_CST);

        __atomic_store_n(&to->words[i], word, __ATOMIC_SEQ_CST);
    }
}

/*
 * A pending upcall is sent again when structs move: the vCPU may have checked the new place before
 * the bits moved there.
 */
static struct evtchn_notice place_info(struct evtchn_domain *domain, union evtchn_page *page)
{
    struct evtchn_notice notice = {.domain = domain};
    union evtchn_page *old = domain->page;

    page_copy(page, old);
    domain->page = page;
    for (unsigned vcpu = 0; vcpu < EVTCHN_VCPUS; vcpu++) {
        if (domain->vcpu_info[vcpu] != &old->info.vcpu_info[vcpu])
            continue;
        domain->vcpu_info[vcpu] = &page->info.vcpu_info[vcpu];
        if (upcall_is_pending(domain, vcpu))
            notice.vcpus |= 1u << vcpu;
    }
    return notice;
}

int evtchn_place_info(struct evtchn_domain *domain, gpa_t info)
{
    union evtchn_page *page = domain->memory ? memory_at(domain->memory, info, PAGE_SIZE) : NULL;
    struct evtchn_notice notice;

    if (!page || (info.value & PAGE_MASK))
        return -EINVAL;
    pthread_mutex_lock(&domain->world->lock);
    notice = place_info(domain, page);
    pthread_mutex_unlock(&domain->world->lock);
    evtchn_notify(&notice);
    return 0;
}

/* Copied by words as well: a vcpu_info is 8 of them. */
static void vcpu_info_copy(struct vcpu_info *to, struct vcpu_info *from)
{
    uint64_t *next = (uint64_t *)to, *word = (uint64_t *)from;

    for (unsigned i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        __atomic_store_n(&next[i], __atomic_load_n(&word[i], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

static int place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, struct vcpu_info *info,
                           struct evtchn_notice *notice)
{
    struct vcpu_info *old = domain->vcpu_info[vcpu];

    if (old != &domain->page->info.vcpu_info[vcpu])
        return -EINVAL;
    vcpu_info_copy(info, old);
    domain->vcpu_info[vcpu] = info;
    if (upcall_is_pending(domain, vcpu))
        *notice = (struct evtchn_notice){.domain = domain, .vcpus = 1u << vcpu};
    return 0;
}

static struct vcpu_info *vcpu_info_at(const struct evtchn_domain *domain, gpa_t address)
{
    const uint64_t offset = address.value & PAGE_MASK;

    if (!domain->memory || address.value % sizeof(uint64_t) ||
        offset > PAGE_SIZE - sizeof(struct vcpu_info))
        return NULL;
    return memory_at(domain->memory, address, sizeof(struct vcpu_info));
}

int evtchn_place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, gpa_t address)
{
    struct vcpu_info *info = vcpu_info_at(domain, address);
    struct evtchn_notice notice = {.domain = NULL};
    int result;

    if (vcpu >= domain->vcpu_count)
        return -ENOENT;
    if (!info)
        return -EINVAL;
    pthread_mutex_lock(&domain->world->lock);
    result = place_vcpu_info(domain, vcpu, info, &notice);
    pthread_mutex_unlock(&domain->world->lock);
    evtchn_notify(&notice);
    return result;
}

bool evtchn_is_pending(struct evtchn_domain *domain, unsigned vcpu)
{
    bool pending;

    if (vcpu >= domain->vcpu_count)
        return false;
    pthread_mutex_lock(&domain->world->lock);
    pending = upcall_is_pending(domain, vcpu);
    pthread_mutex_unlock(&domain->world->lock);
    return pending;
}

bool evtchn_port_is_pending(struct evtchn_domain *domain, evtchn_port_t port)
{
    bool pending;

    if (port >= EVTCHN_PORTS)
        return false;
    pthread_mutex_lock(&domain->world->lock);
    pending = evtchn_bit_is_pending(domain, port);
    pthread_mutex_unlock(&domain->world->lock);
    return pending;
}
