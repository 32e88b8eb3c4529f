/*
 * What a hostile guest does: each step is one byte for what, and more bytes for how. Numbers are
 * little-endian; after the end all bytes are 0.
 */
#include "tests/unit/hostile_steps.h"

#include "guest/abi/pci.h"
#include "guest/abi/ptlcall.h"
#include "tests/unit/hostile.h"

#include <string.h>

#define TEXT_AT       0x8000u /* where a call's text lies in guest memory */
#define DESCRIPTOR_AT 0x9000u
#define REGISTERS     16

static uint64_t take(struct hostile *hostile, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size && hostile->left > 0; i++, hostile->left--)
        value |= (uint64_t)*hostile->next++ << (8 * i);
    return value;
}

/* A number of any width, or one at which arithmetic goes wrong. */
static uint64_t take_number(struct hostile *hostile)
{
    static const uint64_t numbers[] = {
        UINT64_MAX,    UINT64_MAX - 1,     1ull << 63, (1ull << 63) - 1, 1ull << 47,
        1ull << 32,    UINT32_MAX,         1ull << 31, 0x1fffff,         0x200000,
        TEXT_AT,       DESCRIPTOR_AT,      0x1ff8,     0x40000000,       0x40000001,
        PAGE_SIZE - 1, 0xffff800000000000,
    };
    const unsigned how = (unsigned)take(hostile, 1);

    if (how < 8)
        return take(hostile, how + 1);
    return numbers[how % (sizeof(numbers) / sizeof(numbers[0]))];
}

/* The (number)th region of the bus; false: there is no such region. */
static bool region_at(const struct bus *bus, unsigned number, struct bus_region *region)
{
    unsigned count = bus->region_count;

    for (unsigned key = 0; key < BUS_MOVING; key++)
        count += bus->moving[key].device != NULL;
    if (count == 0)
        return false;
    number %= count;
    if (number < bus->region_count) {
        *region = bus->regions[number];
        return true;
    }
    number -= bus->region_count;
    for (unsigned key = 0; key < BUS_MOVING; key++)
        if (bus->moving[key].device && number-- == 0)
            *region = bus->moving[key];
    return true;
}

/* Most accesses are near what a device decodes, or near the access before. */
static uint64_t take_place(struct hostile *hostile, enum bus_space space)
{
    const unsigned how = (unsigned)take(hostile, 1);
    struct bus_region region = {0};

    if (how < 0xa0 && region_at(&hostile->machine.bus[space], how, &region))
        hostile->last_place = region.first + take(hostile, 1) - 2;
    else if (how < 0xf0)
        hostile->last_place += how & 0xf;
    else
        hostile->last_place = take(hostile, 8);
    return hostile->last_place;
}

static void port(struct hostile *hostile, bool out, bool string)
{
    static const uint8_t sizes[] = {1, 2, 4, 1, 2, 4, 1, 3};
    struct kvm_run *run = hostile->vcpu->run;
    uint8_t *data = (uint8_t *)run + HOSTILE_DATA_OFFSET;

    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    run->io.size = sizes[take(hostile, 1) % sizeof(sizes)];
    run->io.port = (uint16_t)take_place(hostile, BUS_PIO);
    run->io.count = string ? (uint32_t)take(hostile, 1) : 1;
    run->io.data_offset = HOSTILE_DATA_OFFSET;
    for (unsigned i = 0; out && i < run->io.count * run->io.size; i++)
        data[i] = (uint8_t)take(hostile, 1);
    hostile_exit(hostile);
}

static void step_out(struct hostile *hostile)
{
    port(hostile, true, false);
}

static void step_in(struct hostile *hostile)
{
    port(hostile, false, false);
}

static void step_outs(struct hostile *hostile)
{
    port(hostile, true, true);
}

static void step_ins(struct hostile *hostile)
{
    port(hostile, false, true);
}

static void access_memory(struct hostile *hostile, bool write)
{
    struct kvm_run *run = hostile->vcpu->run;
    uint8_t beyond[sizeof(run->mmio.data)];

    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.len = (uint32_t)take(hostile, 1) % 10;
    run->mmio.is_write = write;
    run->mmio.phys_addr = take_place(hostile, BUS_MMIO);
    memset(run->mmio.data, 0xa5, sizeof(run->mmio.data));
    if (write)
        memcpy(run->mmio.data, &(uint64_t){take_number(hostile)}, sizeof(run->mmio.data));
    memcpy(beyond, run->mmio.data, sizeof(beyond));
    hostile_exit(hostile);
    for (unsigned i = run->mmio.len; i < sizeof(beyond); i++)
        hostile_require(run->mmio.data[i] == beyond[i], "a byte beyond the access has changed");
}

static void step_store(struct hostile *hostile)
{
    access_memory(hostile, true);
}

static void step_load(struct hostile *hostile)
{
    access_memory(hostile, false);
}

static void out_port(struct hostile *hostile, uint16_t port, unsigned size, uint64_t value)
{
    struct kvm_run *run = hostile->vcpu->run;

    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_OUT;
    run->io.size = (uint8_t)size;
    run->io.port = port;
    run->io.count = 1;
    run->io.data_offset = HOSTILE_DATA_OFFSET;
    memcpy((uint8_t *)run + HOSTILE_DATA_OFFSET, &value, size);
    hostile_exit(hostile);
}

/* One register of configuration space, of a slot that has a function more often than not. */
static void step_configure(struct hostile *hostile)
{
    const uint64_t slot = take(hostile, 1), reg = take(hostile, 1);

    out_port(hostile, PCI_PORT_ADDRESS, 4,
             PCI_ADDRESS_ENABLE | (slot < 0xe0 ? slot % 4 : slot & 0x1f) << 11 | (reg & 0xfc));
    out_port(hostile, (uint16_t)(PCI_PORT_DATA + (reg & 3)), reg & 3 ? 1 : 4, take_number(hostile));
}

static void step_register(struct hostile *hostile)
{
    struct kvm_regs *regs = &hostile->vcpu->run->s.regs.regs;
    uint64_t values[REGISTERS];
    const uint64_t which = take(hostile, 1) % REGISTERS;

    _Static_assert(sizeof(values) <= sizeof(*regs), "rax to r15");
    memcpy(values, regs, sizeof(values));
    values[which] = take_number(hostile);
    memcpy(regs, values, sizeof(values));
}

/* A way of paging, or any values at all; the root is a page of low memory. */
static void step_mode(struct hostile *hostile)
{
    static const struct {
        uint64_t cr0, cr4, efer;
        uint8_t l;
    } modes[] = {
        {0, 0, 0, 0},
        {X86_CR0_PG, 0, 0, 0},
        {X86_CR0_PG, X86_CR4_PSE, 0, 0},
        {X86_CR0_PG, X86_CR4_PAE, 0, 0},
        {X86_CR0_PG, X86_CR4_PAE, X86_EFER_LMA, 0},
        {X86_CR0_PG, X86_CR4_PAE, X86_EFER_LMA, 1},
        {X86_CR0_PG, X86_CR4_PAE | X86_CR4_LA57, X86_EFER_LMA, 1},
        {0, 0, X86_EFER_LMA, 1},
    };
    struct kvm_sregs *sregs = &hostile->vcpu->run->s.regs.sregs;
    const uint64_t mode = take(hostile, 1) % (sizeof(modes) / sizeof(modes[0]));

    sregs->cr0 = modes[mode].cr0;
    sregs->cr4 = modes[mode].cr4;
    sregs->efer = modes[mode].efer;
    sregs->cs.l = modes[mode].l;
    sregs->cr3 = take(hostile, 1) << 12;
}

/* 64-bit mode, with page tables as a guest finds them at its start. */
static void step_long_mode(struct hostile *hostile)
{
    struct kvm_sregs *sregs = &hostile->vcpu->run->s.regs.sregs;
    uint64_t root = 0;

    x86_write_page_tables(&hostile->machine.memory, NULL, 0, &root, NULL);
    sregs->cr0 = X86_CR0_PG;
    sregs->cr4 = X86_CR4_PAE;
    sregs->efer = X86_EFER_LMA;
    sregs->cs.l = 1;
    sregs->cr3 = root;
}

/* An entry of a page table: a page of low memory, or any bits at all. */
static void step_entry(struct hostile *hostile)
{
    const uint64_t page = take(hostile, 1), index = take(hostile, 1), flags = take(hostile, 1);
    const uint64_t value =
        flags & 0x40 ? take_number(hostile) : take(hostile, 1) << 12 | (flags & 0xbf);
    const uint64_t at = page << 12 | (index & 0x80 ? 511 - (index & 0x7f) : index) << 3;

    memory_write(&hostile->machine.memory, gpa(at), &value, sizeof(value));
}

static void step_memory(struct hostile *hostile)
{
    const gpa_t at = gpa(take_number(hostile));
    uint8_t bytes[64];
    const size_t wanted = take(hostile, 1) % sizeof(bytes);

    for (size_t i = 0; i < wanted; i++)
        bytes[i] = (uint8_t)take(hostile, 1);
    memory_write(&hostile->machine.memory, at, bytes, wanted);
}

/* The registers of a ptlcall that could succeed; the bytes decide how it is made, and its text. */
static void step_call(struct hostile *hostile)
{
    const uint64_t op = take(hostile, 1), length = take(hostile, 1);
    struct kvm_regs *regs = &hostile->vcpu->run->s.regs.regs;
    const struct ptlcall_descriptor descriptor = {TEXT_AT, length};
    char text[256] = {0};

    for (uint64_t i = 0; i < length; i++)
        text[i] = (char)take(hostile, 1);
    memory_write(&hostile->machine.memory, gpa(TEXT_AT), text, length);
    memory_write(&hostile->machine.memory, gpa(DESCRIPTOR_AT), &descriptor, sizeof(descriptor));
    regs->rax = op < 0xf0 ? op % PTLCALL_OPS : op;
    regs->rdi = op % PTLCALL_OPS == PTLCALL_OP_ENQUEUE ? DESCRIPTOR_AT : TEXT_AT;
    regs->rsi = op % PTLCALL_OPS == PTLCALL_OP_ENQUEUE ? 1 : length;
    regs->rdx = TEXT_AT;
    regs->r10 = length;
    if (op & 0x40)
        step_store(hostile);
    else
        out_port(hostile, PTLCALL_DEFAULT_PORT, 1, 0);
}

/* Whatever a run page can hold. */
static void step_any(struct hostile *hostile)
{
    struct kvm_run *run = hostile->vcpu->run;
    const size_t wanted = take(hostile, 1) % 64;

    run->exit_reason = (uint32_t)take(hostile, 1);
    if (run->exit_reason == 0xff)
        run->exit_reason = (uint32_t)take(hostile, 4);
    for (size_t i = 0; i < wanted; i++)
        run->padding[i] = (char)take(hostile, 1);
    hostile_exit(hostile);
}

static void step_type(struct hostile *hostile)
{
    uint8_t bytes[32];
    const size_t wanted = take(hostile, 1) % sizeof(bytes);

    for (size_t i = 0; i < wanted; i++)
        bytes[i] = (uint8_t)take(hostile, 1);
    console_type(&hostile->machine.console, bytes, wanted);
}

static void step_timers(struct hostile *hostile)
{
    struct device_timer *timer = hostile->machine.timers.first;

    for (; timer; timer = timer->next)
        device_timer_fire(timer);
}

static void step_reset(struct hostile *hostile)
{
    hostile_reset(hostile);
}

static void step_report(struct hostile *hostile)
{
    hostile_report(hostile);
}

static void step_fetched(struct hostile *hostile)
{
    hostile->fetched = !hostile->fetched;
}

static void step_vcpu(struct hostile *hostile)
{
    hostile->vcpu = &hostile->machine.vcpus[take(hostile, 1) % HOSTILE_VCPUS];
}

static void step(struct hostile *hostile)
{
    static void (*const steps[])(struct hostile *) = {
        step_out,       step_in,     step_outs,     step_ins,       step_store,
        step_load,      step_call,   step_register, step_mode,      step_entry,
        step_long_mode, step_memory, step_any,      step_type,      step_reset,
        step_fetched,   step_vcpu,   step_report,   step_configure, step_timers,
    };
    const uint64_t which = take(hostile, 1);

    steps[which % (sizeof(steps) / sizeof(steps[0]))](hostile);
}

void hostile_run(const uint8_t *bytes, size_t size)
{
    struct hostile hostile;

    hostile_begin(&hostile);
    hostile.next = bytes;
    hostile.left = size;
    while (hostile.left > 0)
        step(&hostile);
    hostile_end(&hostile);
}
