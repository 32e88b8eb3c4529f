#include "tests/unit/xen_guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PML4   0x10000u
#define PDPT   0x11000u
#define PD     0x12000u
#define PD_BAD 0x13000u

#define PRESENT 1u
#define WRITE   2u
#define LARGE   0x80u
#define NOWHERE 0xa0000000u /* no RAM */

static void put_entry(struct xen_guest *guest, uint64_t table, unsigned index, uint64_t value)
{
    xen_put(guest, table + 8 * index, &value, sizeof(value));
}

static void put_page_tables(struct xen_guest *guest)
{
    put_entry(guest, PML4, 0, PDPT | PRESENT | WRITE);
    put_entry(guest, PDPT, 0, PD | PRESENT | WRITE);
    put_entry(guest, PDPT, 1, PD_BAD | PRESENT | WRITE);
    put_entry(guest, PD_BAD, 0, XEN_BAD_TABLE | PRESENT | WRITE);
    for (unsigned i = 0; i < 8; i++)
        put_entry(guest, PD, i, i * 2 * MIB | PRESENT | WRITE | LARGE);
    put_entry(guest, XEN_BAD_TABLE, 0, 0x300000u | PRESENT | WRITE);
    put_entry(guest, XEN_BAD_TABLE, 1, 0x200000u | PRESENT | WRITE);
    put_entry(guest, XEN_BAD_TABLE, 3, 0x201000u | PRESENT | WRITE);
    put_entry(guest, XEN_BAD_TABLE, 4, NOWHERE | PRESENT | WRITE);
}

static void set_64_bit_mode(struct xen_guest *guest)
{
    struct kvm_sregs *sregs = &guest->fixture.vcpu->run->s.regs.sregs;

    sregs->cr0 = X86_CR0_PE | X86_CR0_PG;
    sregs->cr3 = PML4;
    sregs->cr4 = X86_CR4_PAE;
    sregs->efer = X86_EFER_LME | X86_EFER_LMA;
    sregs->cs.l = 1;
}

static void note_message(void *opaque, uint64_t address, uint32_t data)
{
    struct xen_guest *guest = opaque;

    guest->messages++;
    guest->message_address = address;
    guest->message_data = data;
}

static int map_page(void *opaque, uint64_t address, void *host, bool readonly)
{
    struct xen_guest *guest = opaque;
    int result = guest->map_result;

    if (guest->map_hides_page)
        put_entry(guest, XEN_BAD_TABLE, 1, 0);
    guest->map_result = 0;
    for (unsigned i = 0; result == 0 && i < XEN_MAPS; i++) {
        if (host ? guest->maps[i].host != NULL
                 : !guest->maps[i].host || guest->maps[i].address != address)
            continue;
        guest->maps[i].address = address;
        guest->maps[i].host = host;
        guest->maps[i].readonly = readonly;
        return 0;
    }
    return result < 0 ? result : host ? -ENOSPC : -ENOENT;
}

uint8_t *xen_mapped(struct xen_guest *guest, uint64_t address)
{
    for (unsigned i = 0; i < XEN_MAPS; i++)
        if (guest->maps[i].host && guest->maps[i].address == address)
            return guest->maps[i].host;
    return NULL;
}

static void guest_begin(struct xen_guest *guest, struct xen_world *world, domid_t domid)
{
    struct error error;

    memset(guest, 0, sizeof(*guest));
    fixture_setup(&guest->fixture);
    guest->fixture.machine.cpuid = calloc(1, sizeof(*guest->fixture.machine.cpuid));
    ck_assert_ptr_nonnull(guest->fixture.machine.cpuid); /* it has no leaves */
    guest->fixture.machine.irqs.sink = (struct irq_sink){.message = note_message, .opaque = guest};
    ck_assert_int_eq(xen_domain_init(&guest->domain, world, domid, &guest->fixture.machine, &error),
                     0);
    guest->domain.map = map_page;
    guest->domain.map_opaque = guest;
    fixture_device(&guest->fixture, "xen", NULL);
    put_page_tables(guest);
    set_64_bit_mode(guest);
}

void xen_pair_begin(struct xen_pair *pair)
{
    xen_world_init(&pair->world);
    for (domid_t domid = 0; domid < XEN_DOMAINS; domid++)
        guest_begin(&pair->guests[domid], &pair->world, domid);
}

void xen_pair_end(struct xen_pair *pair)
{
    for (domid_t domid = 0; domid < XEN_DOMAINS; domid++)
        xen_domain_close(&pair->guests[domid].domain);
    for (domid_t domid = 0; domid < XEN_DOMAINS; domid++) {
        xen_domain_finish(&pair->guests[domid].domain);
        fixture_teardown(&pair->guests[domid].fixture);
    }
    xen_world_finish(&pair->world);
}

void xen_put(struct xen_guest *guest, uint64_t address, const void *bytes, uint64_t length)
{
    ck_assert_int_eq(memory_write(&guest->fixture.machine.memory, gpa(address), bytes, length), 0);
}

void xen_get(struct xen_guest *guest, uint64_t address, void *bytes, uint64_t length)
{
    ck_assert_int_eq(memory_read(&guest->fixture.machine.memory, gpa(address), bytes, length), 0);
}

int64_t xen_call(struct xen_guest *guest, uint64_t number, uint64_t first, uint64_t second,
                 uint64_t third)
{
    struct kvm_regs *regs = vcpu_registers(guest->fixture.vcpu);
    struct kvm_regs before;
    int64_t result;

    memset(regs, 0x5a, sizeof(*regs));
    regs->rax = number;
    regs->rdi = first;
    regs->rsi = second;
    regs->rdx = third;
    before = *regs;
    fixture_out(&guest->fixture, XEN_HYPERCALL_PORT, 1, (uint8_t)number);
    result = (int64_t)regs->rax;
    before.rax = regs->rax;
    ck_assert_mem_eq(regs, &before, sizeof(before));
    return result;
}

int64_t xen_ask(struct xen_guest *guest, uint64_t number, uint64_t operation, void *argument,
                size_t size)
{
    int64_t result;

    xen_put(guest, XEN_ARG, argument, size);
    result = xen_call(guest, number, operation, XEN_ARG, 0);
    xen_get(guest, XEN_ARG, argument, size);
    return result;
}

int64_t xen_grant(struct xen_guest *guest, unsigned operation, void *argument, size_t size)
{
    int64_t result;

    xen_put(guest, XEN_ARG, argument, size);
    result = xen_call(guest, __HYPERVISOR_grant_table_op, operation, XEN_ARG, 1);
    xen_get(guest, XEN_ARG, argument, size);
    return result;
}

static void place(struct xen_guest *guest, unsigned space, uint64_t address)
{
    struct xen_add_to_physmap place = {.domid = DOMID_SELF,
                                       .space = space,
                                       .gpfn = address / PAGE_SIZE};

    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &place), 0);
}

void xen_place_pages(struct xen_guest *guest)
{
    place(guest, XENMAPSPACE_shared_info, XEN_SHARED);
    place(guest, XENMAPSPACE_grant_table, XEN_TABLE);
}

void xen_permit(struct xen_guest *guest, grant_ref_t ref, domid_t domid, uint64_t address,
                uint16_t flags)
{
    const grant_entry_v1_t entry = {.flags = flags,
                                    .domid = domid,
                                    .frame = (uint32_t)(address / PAGE_SIZE)};

    xen_put(guest, XEN_TABLE + ref * sizeof(entry), &entry, sizeof(entry));
}

uint16_t xen_grant_flags(struct xen_guest *guest, grant_ref_t ref)
{
    grant_entry_v1_t entry;

    xen_get(guest, XEN_TABLE + ref * sizeof(entry), &entry, sizeof(entry));
    return entry.flags;
}
