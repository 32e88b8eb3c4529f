/*
 * One of two domains dies while the other has its page mapped and its port bound: cases 28 and 29.
 * Both run this guest. Domain 1 grants, domain 0 maps.
 *
 * Guest arguments: the one that dies, `granter` or `mapper`, the same for both; and how, unless by
 * an end with status 0: `crash`, by a triple fault; `reboot` or `panic`, by SCHEDOP_shutdown.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/interrupt.h"
#include "guest/xen/start.h"
#include "guest/xen/test_ring.h"

#define GRANTER 1
#define MAPPER  0
#define GREF    8u /* the first reference, which is deterministic */
#define PORT    1u

#define MARK_GRANTED 0x600d0001u
#define MARK_MAPPED  0x600d0002u
#define MARK_AFTER   0x600d0003u

static void triple_fault(void)
{
    static const struct idt_gate none;

    idt_load(&none, 1);
    __asm__ volatile("ud2");
}

static void shut_down(unsigned reason)
{
    struct sched_shutdown end = {.reason = reason};

    HYPERVISOR_sched_op(SCHEDOP_shutdown, &end);
}

static void reboot(void)
{
    shut_down(SHUTDOWN_reboot);
}

static void panic(void)
{
    shut_down(SHUTDOWN_crash);
}

static void power_off(void)
{
    guest_exit(0);
}

static const struct death {
    const char *name;
    void (*come)(void);
} deaths[] = {{"crash", triple_fault}, {"reboot", reboot}, {"panic", panic}, {"", power_off}};

static const struct death *death = deaths; /* the last request if no other is wanted */

_Noreturn static void die(void)
{
    death->come();
    printf("still alive\n");
    guest_exit(1);
}

static irqreturn_t ignore(int irq, void *data)
{
    (void)irq;
    (void)data;
    return IRQ_HANDLED;
}

/* The port shows the peer's end: there is no notification. */
static void wait_for_status(evtchn_port_t port, int status)
{
    while (as_port_status(port) != status)
        xen_yield();
}

static void wait_for_mark(const volatile uint32_t *word, uint32_t mark)
{
    while (*word != mark)
        xen_yield();
}

static void run_granter(bool dies)
{
    volatile uint32_t *page = (volatile uint32_t *)__get_free_pages(GFP_KERNEL, 0);
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = MAPPER};
    int ref;

    *page = MARK_GRANTED;
    ref = gnttab_grant_foreign_access(MAPPER, virt_to_mfn(page), 0);
    check_equal("granted", (uint64_t)ref, GREF);
    check_result("allocated", HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    check_equal("a port", alloc.port, PORT);
    wait_for_mark(page, MARK_MAPPED);
    if (dies)
        die();

    check_group("29 the mapper dies");
    wait_for_status(PORT, EVTCHNSTAT_unbound);
    check("the port is unbound", true);
    while (gnttab_query_foreign_access(GREF))
        xen_yield();
    check_equal("its flags are cleared", gnttab_entry(GREF)->flags, GTF_permit_access);
    check_result("taken back", gnttab_end_foreign_access(GREF, 0, 0), 0);
    check_equal("the page is as it was", *page, MARK_MAPPED);
    check_result("an event is dropped", notify_remote_via_evtchn(PORT), 0);
}

/* The page of a dead domain: it stays valid until it is unmapped, and cannot be mapped again. */
static void check_orphan(volatile uint32_t *page, grant_handle_t handle)
{
    grant_handle_t again;

    check_equal("the page is as it was", *page, MARK_MAPPED);
    *page = MARK_AFTER;
    check_equal("it can be written", *page, MARK_AFTER);
    check("it cannot be mapped again",
          gnttab_map(alloc_vm_area(PAGE_SIZE)->addr, GNTMAP_host_map, GREF, GRANTER, &again) < 0);
    check_result("unmapped", gnttab_unmap((void *)(uintptr_t)page, handle), GNTST_okay);
    check_equal("nothing there any more", *page, ~0u);
}

static void run_mapper(bool dies)
{
    void *page = alloc_vm_area(PAGE_SIZE)->addr;
    struct evtchn_bind_interdomain bind;
    grant_handle_t handle;
    int irq;

    do {
        xen_yield();
        irq = bind_interdomain_evtchn_to_irqhandler(GRANTER, PORT, ignore, 0, "death", NULL);
    } while (irq < 0);
    check_result("mapped", gnttab_map(page, GNTMAP_host_map, GREF, GRANTER, &handle), 0);
    check_equal("the page", load32((uintptr_t)page), MARK_GRANTED);
    store32((uintptr_t)page, MARK_MAPPED);
    if (dies)
        die();

    check_group("28 the granter dies");
    wait_for_status(evtchn_from_irq(irq), EVTCHNSTAT_unbound);
    check("the port is unbound", true);
    check_orphan(page, handle);
    check_result("an event is dropped", notify_remote_via_irq(irq), 0);
    bind = (struct evtchn_bind_interdomain){.remote_dom = GRANTER, .remote_port = PORT};
    check_result("nobody to bind to", HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind),
                 -XEN_ESRCH);
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    while (*death->name && !argument_given(boot, death->name))
        death++;
    if (xen_domid() == GRANTER)
        run_granter(argument_given(boot, "granter"));
    else
        run_mapper(argument_given(boot, "mapper"));
    return check_summary();
}
