/*
 * Grants, cases 9 to 19: one guest grants pages to itself and maps them at another address.
 *
 * In case 19 a second vCPU works against the first; without it, the case is skipped.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/linux.h"
#include "guest/xen/start.h"
#include "guest/xen/xen.h"

#define STRANGER     5u /* the domid of another domain */
#define NOBODY       0x7000u
#define PATTERN      0x600dda7au
#define OTHER        0xbadda7abu
#define BEYOND_FRAME 0x00ffffffu
#define FLICKERS     200u

#define ENTRY_FLAGS(ref) (gnttab_entry(ref)->flags & (GTF_reading | GTF_writing))

static unsigned long page;
static uint8_t *here, *there; /* two addresses to map at */

/* Begin the group of checks (name) with the page granted. */
static grant_ref_t grant(const char *name, int readonly)
{
    int ref = gnttab_grant_foreign_access(xen_domid(), virt_to_mfn(page), readonly);

    check_group(name);
    check("granted", ref >= GNTTAB_NR_RESERVED_ENTRIES);
    return (grant_ref_t)ref;
}

static void revoke(grant_ref_t ref)
{
    check_result("taken back", gnttab_end_foreign_access(ref, 0, 0), 0);
}

/* A map that must be refused. */
static void check_refused(const char *what, grant_ref_t ref, uint32_t flags, domid_t domid,
                          int status)
{
    grant_handle_t handle;

    check_result(what, gnttab_map(here, flags, ref, domid, &handle), status);
}

static void check_map(uint8_t *where, uint32_t flags, grant_ref_t ref, grant_handle_t *handle)
{
    check_result("mapped", gnttab_map(where, flags, ref, xen_domid(), handle), GNTST_okay);
}

static void check_unmap(uint8_t *where, grant_handle_t handle)
{
    check_result("unmapped", gnttab_unmap(where, handle), GNTST_okay);
}

static void check_references(void)
{
    volatile grant_entry_v1_t *entry;
    grant_ref_t ref;

    check_group("9 references");
    check_refused("the first beyond the table", GNTTAB_REFS, GNTMAP_host_map, xen_domid(),
                  GNTST_bad_gntref);
    check_refused("the last number", ~0u, GNTMAP_host_map, xen_domid(), GNTST_bad_gntref);
    check_refused("an entry that grants nothing", GNTTAB_REFS - 1, GNTMAP_host_map, xen_domid(),
                  GNTST_general_error);
    ref = grant("9 references", 0);
    entry = gnttab_entry(ref);
    entry->domid = STRANGER;
    check_refused("granted to another", ref, GNTMAP_host_map, xen_domid(), GNTST_general_error);
    entry->domid = xen_domid();
    entry->flags = GTF_accept_transfer;
    check_refused("of another type", ref, GNTMAP_host_map, xen_domid(), GNTST_general_error);
    check_equal("its flags stay", entry->flags, GTF_accept_transfer);
    revoke(ref);
}

static void check_frames(void)
{
    static const uint32_t frames[] = {BEYOND_FRAME, ~0u, 0xd0000, 0xfee00};
    grant_ref_t ref = grant("10 frame beyond RAM", 0);

    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        gnttab_entry(ref)->frame = frames[i];
        check_refused("refused", ref, GNTMAP_host_map, xen_domid(), GNTST_bad_page);
        check_equal("not marked", ENTRY_FLAGS(ref), 0);
    }
    revoke(ref);
}

static void check_readonly(void)
{
    grant_handle_t handle;
    grant_ref_t ref = grant("11 readonly grant", 1);

    check_refused("mapped writable", ref, GNTMAP_host_map, xen_domid(), GNTST_general_error);

    check_group("12 readonly map");
    check_map(here, GNTMAP_host_map | GNTMAP_readonly, ref, &handle);
    check_equal("marked", ENTRY_FLAGS(ref), GTF_reading);
    store32(page, PATTERN);
    check_equal("a load", load32((uintptr_t)here), PATTERN);
    store32((uintptr_t)here, OTHER);
    check_equal("a store is dropped", load32(page), PATTERN);
    check_unmap(here, handle);
    revoke(ref);
}

static void check_shared(void)
{
    grant_handle_t handle;
    grant_ref_t ref = grant("13 revoke while mapped", 0);

    check_map(here, GNTMAP_host_map, ref, &handle);
    check_equal("marked", ENTRY_FLAGS(ref), GTF_reading | GTF_writing);
    store32((uintptr_t)here, PATTERN);
    check_equal("a store arrives", load32(page), PATTERN);
    store32(page, OTHER);
    check_equal("and the other way", load32((uintptr_t)here), OTHER);
    check_result("refused", gnttab_end_foreign_access(ref, 0, 0), -XEN_EBUSY);
    check_unmap(here, handle);
    check_equal("nothing there any more", load32((uintptr_t)here), ~0u);
    revoke(ref);
}

static void check_pins(void)
{
    grant_handle_t first, second;
    grant_ref_t ref = grant("14 mapped twice", 0);

    check_map(here, GNTMAP_host_map, ref, &first);
    check_map(there, GNTMAP_host_map, ref, &second);
    check_unmap(here, first);
    check_equal("still marked", ENTRY_FLAGS(ref), GTF_reading | GTF_writing);
    check_result("still pinned", gnttab_end_foreign_access(ref, 0, 0), -XEN_EBUSY);
    check_unmap(there, second);

    check_group("15 a readonly and a writable pin");
    check_map(here, GNTMAP_host_map | GNTMAP_readonly, ref, &first);
    check_map(there, GNTMAP_host_map, ref, &second);
    check_unmap(there, second);
    check_equal("writing goes, reading stays", ENTRY_FLAGS(ref), GTF_reading);
    check_unmap(here, first);
    check_equal("both are gone", ENTRY_FLAGS(ref), 0);
    revoke(ref);
}

static void check_handles(void)
{
    grant_handle_t handle;
    grant_ref_t ref = grant("16 handles", 0);

    check_map(here, GNTMAP_host_map, ref, &handle);
    check_result("at another address", gnttab_unmap(there, handle), GNTST_bad_virt_addr);
    check_unmap(here, handle);
    check_result("unmapped twice", gnttab_unmap(here, handle), GNTST_bad_handle);
    check_result("no handle", gnttab_unmap(here, ~0u), GNTST_bad_handle);
    revoke(ref);
}

static void check_flags(void)
{
    static const uint32_t flags[] = {0, GNTMAP_readonly, GNTMAP_application_map};
    grant_ref_t ref = grant("17 flags and domains", 0);
    grant_handle_t handle;

    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        check_refused("not a host map", ref, flags[i], xen_domid(), GNTST_bad_gntref);
    check("a device's map",
          gnttab_map(here, GNTMAP_host_map | GNTMAP_device_map, ref, xen_domid(), &handle) < 0);
    check("a map into page tables",
          gnttab_map(here, GNTMAP_host_map | GNTMAP_contains_pte, ref, xen_domid(), &handle) < 0);
    check_refused("no such domain", ref, GNTMAP_host_map, NOBODY, GNTST_bad_domain);
    check("over RAM", gnttab_map((void *)page, GNTMAP_host_map, ref, xen_domid(), &handle) < 0);
    check("not a whole page", gnttab_map(here + 8, GNTMAP_host_map, ref, xen_domid(), &handle) < 0);
    check_equal("nothing is marked", ENTRY_FLAGS(ref), 0);
    revoke(ref);
}

static void check_array(void)
{
    struct gnttab_map_grant_ref maps[3];
    grant_ref_t ref = grant("18 array", 0);

    gnttab_set_map_op(&maps[0], (uintptr_t)here, GNTMAP_host_map, ref, xen_domid());
    gnttab_set_map_op(&maps[1], (uintptr_t)there, GNTMAP_host_map, ~0u, xen_domid());
    gnttab_set_map_op(&maps[2], (uintptr_t)there, GNTMAP_host_map, ref, xen_domid());
    check_result("the call", HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, maps, 3), 0);
    check_result("the first", maps[0].status, GNTST_okay);
    check_result("the second", maps[1].status, GNTST_bad_gntref);
    check_result("the third", maps[2].status, GNTST_okay);
    check_unmap(here, maps[0].handle);
    check_unmap(there, maps[2].handle);
    revoke(ref);
}

/* The second vCPU: it changes an entry all the time. */
static struct {
    volatile grant_entry_v1_t *entry;
    volatile bool running, stop;
} flicker;

static void run_flicker(void *unused)
{
    (void)unused;
    flicker.running = true;
    while (!flicker.stop) {
        flicker.entry->flags = GTF_permit_access | GTF_PWT;
        flicker.entry->flags = GTF_permit_access | GTF_PCD;
    }
    flicker.running = false;
}

static void check_flicker(void)
{
    grant_ref_t ref = grant("19 flags toggle", 0);
    unsigned odd = 0, left = 0;

    flicker.entry = gnttab_entry(ref);
    check("the second vCPU starts", smp_start(1, run_flicker, NULL));
    for (unsigned i = 0; i < FLICKERS; i++) {
        grant_handle_t handle;
        int status = gnttab_map(here, GNTMAP_host_map, ref, xen_domid(), &handle);

        odd += status != GNTST_okay && status != GNTST_general_error;
        if (status == GNTST_okay)
            left += gnttab_unmap(here, handle) != GNTST_okay;
    }
    flicker.stop = true;
    while (flicker.running)
        xen_yield();
    check_equal("okay or an error, each time", odd, 0);
    check_equal("unmapped, each time", left, 0);
    revoke(ref);
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    page = __get_free_pages(GFP_KERNEL, 0);
    here = alloc_vm_area(PAGE_SIZE)->addr;
    there = alloc_vm_area(PAGE_SIZE)->addr;
    check_references();
    check_frames();
    check_readonly();
    check_shared();
    check_pins();
    check_handles();
    check_flags();
    check_array();
    if (boot->vcpu_count > 1)
        check_flicker();
    return check_summary();
}
