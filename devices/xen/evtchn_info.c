/*
 * Where a guest has its shared_info page and its vCPUs' structs, and what is pending there.
 */
#include "devices/xen/evtchn_deliver.h"

#include <errno.h>
#include <string.h>

#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

void evtchn_world_init(struct evtchn_world *world)
{
    pthread_mutex_init(&world->lock, NULL);
}

void evtchn_world_destroy(struct evtchn_world *world)
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
 * An upcall that was told already is told again wherever structs move: the vCPU may have looked for
 * it in vain at the place that it has asked for.
 */
static struct evtchn_news place_info(struct evtchn_domain *domain, union evtchn_page *page)
{
    struct evtchn_news news = {.domain = domain};
    union evtchn_page *old = domain->page;

    page_copy(page, old);
    domain->page = page;
    for (unsigned vcpu = 0; vcpu < EVTCHN_VCPUS; vcpu++) {
        if (domain->vcpu_info[vcpu] != &old->info.vcpu_info[vcpu])
            continue;
        domain->vcpu_info[vcpu] = &page->info.vcpu_info[vcpu];
        if (upcall_is_pending(domain, vcpu))
            news.vcpus |= 1u << vcpu;
    }
    return news;
}

int evtchn_place_info(struct evtchn_domain *domain, gpa_t info)
{
    union evtchn_page *page = domain->memory ? memory_at(domain->memory, info, PAGE_SIZE) : NULL;
    struct evtchn_news news;

    if (!page || (info.value & PAGE_MASK))
        return -EINVAL;
    pthread_mutex_lock(&domain->world->lock);
    news = place_info(domain, page);
    pthread_mutex_unlock(&domain->world->lock);
    evtchn_tell(&news);
    return 0;
}

/* Words, too: a vcpu_info is 8 of them. */
static void vcpu_info_copy(struct vcpu_info *to, struct vcpu_info *from)
{
    uint64_t *next = (uint64_t *)to, *word = (uint64_t *)from;

    for (unsigned i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        __atomic_store_n(&next[i], __atomic_load_n(&word[i], __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

static int place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, struct vcpu_info *info,
                           struct evtchn_news *news)
{
    struct vcpu_info *old = domain->vcpu_info[vcpu];

    if (old != &domain->page->info.vcpu_info[vcpu])
        return -EINVAL;
    vcpu_info_copy(info, old);
    domain->vcpu_info[vcpu] = info;
    if (upcall_is_pending(domain, vcpu))
        *news = (struct evtchn_news){.domain = domain, .vcpus = 1u << vcpu};
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
    struct evtchn_news news = {.domain = NULL};
    int result;

    if (vcpu >= domain->vcpu_count)
        return -ENOENT;
    if (!info)
        return -EINVAL;
    pthread_mutex_lock(&domain->world->lock);
    result = place_vcpu_info(domain, vcpu, info, &news);
    pthread_mutex_unlock(&domain->world->lock);
    evtchn_tell(&news);
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
