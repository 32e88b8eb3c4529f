/*
 * The state of vCPUs and VMs: it is moved to another VM, which continues as if nothing had happened;
 * and bytes of a file that were tampered with are refused, or set without harm.
 *
 * All but the parsing is left out where /dev/kvm cannot be opened.
 */
#include "tests/unit/needs.h"
#include "vmm/core/x86.h"
#include "vmm/io/memory.h"
#include "vmm/snapshot/kvm_state.h"
#include "vmm/snapshot/kvm_state_ioctl.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

Suite *kvm_state_suite(void);

#define ENTRY  0x20000
#define STACK  0x30000
#define LETTER 0x10 /* the port of the letters */
#define READY  0x99

#define MSR_TSC            0x10
#define MSR_PAT            0x277
#define MSR_MTRR_CAP       0xfe /* the supported features: read only */
#define MSR_MTRR_DEFAULT   0x2ff
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_HYPERV_RUNTIME 0x40000010
#define MSR_HYPERV_TIME    0x40000020
#define MSR_NONE           0x12345678

/* Registers of a local APIC, bytes from its base; Intel SDM 10.4.1. */
#define LAPIC_SPURIOUS      0x0f0
#define LAPIC_LVT_TIMER     0x320
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  0x3e0
#define LVT_MASKED          (1u << 16)
#define LVT_PERIODIC        (1u << 17)
#define LVT_TSC_DEADLINE    (2u << 17)

/*
 * Two guests in 64-bit code. The first programs what KVM emulates, as a kernel does at its start,
 * then exits at READY. The second runs in ring 3 and writes the letters, out of an SSE register.
 */
extern const uint8_t guest_programs[], guest_letters[], guest_end[];

__asm__(".pushsection .rodata\n"
        "guest_programs:\n"
        "   mov  $0xc0000081, %ecx\n" /* STAR, LSTAR, KERNEL_GS_BASE, PAT, MTRR */
        "   mov  $0x00230008, %edx\n"
        "   xor  %eax, %eax\n"
        "   wrmsr\n"
        "   mov  $0xc0000082, %ecx\n"
        "   mov  $0xffff8000, %edx\n"
        "   mov  $0x00123450, %eax\n"
        "   wrmsr\n"
        "   mov  $0xc0000102, %ecx\n"
        "   mov  $0x00001234, %edx\n"
        "   wrmsr\n"
        "   mov  $0x277, %ecx\n"
        "   mov  $0x00070106, %edx\n"
        "   mov  $0x00070406, %eax\n"
        "   wrmsr\n"
        "   mov  $0x2ff, %ecx\n"
        "   xor  %edx, %edx\n"
        "   mov  $0xc06, %eax\n"
        "   wrmsr\n"
        "   mov  $0xdead000, %eax\n" /* breakpoint 0, local */
        "   mov  %rax, %dr0\n"
        "   mov  $0x401, %eax\n"
        "   mov  %rax, %dr7\n"
        "   mov  $0x11, %al\n" /* PICs: vectors from 0x30 and 0x38 on, two inputs open */
        "   out  %al, $0x20\n"
        "   out  %al, $0xa0\n"
        "   mov  $0x30, %al\n"
        "   out  %al, $0x21\n"
        "   mov  $0x38, %al\n"
        "   out  %al, $0xa1\n"
        "   mov  $0x04, %al\n"
        "   out  %al, $0x21\n"
        "   mov  $0x02, %al\n"
        "   out  %al, $0xa1\n"
        "   mov  $0x01, %al\n"
        "   out  %al, $0x21\n"
        "   out  %al, $0xa1\n"
        "   mov  $0xf9, %al\n"
        "   out  %al, $0x21\n"
        "   mov  $0xfe, %al\n"
        "   out  %al, $0xa1\n"
        "   mov  $0xb6, %al\n" /* PIT: counter 2 makes squares of 0x1234 ticks */
        "   out  %al, $0x43\n"
        "   mov  $0x34, %al\n"
        "   out  %al, $0x42\n"
        "   mov  $0x12, %al\n"
        "   out  %al, $0x42\n"
        "   mov  $0xfec00000, %edi\n" /* IOAPIC: input 5 is vector 0x55, level-triggered, masked */
        "   movl $0x1a, (%rdi)\n"
        "   movl $0x18055, 0x10(%rdi)\n"
        "   mov  $0xfee00000, %edi\n" /* local APIC: on; a periodic timer, masked */
        "   movl $0x1ff, 0xf0(%rdi)\n"
        "   movl $0x3, 0x3e0(%rdi)\n"
        "   movl $0x30040, 0x320(%rdi)\n"
        "   movl $0x7fffffff, 0x380(%rdi)\n"
        "   out  %al, $0x99\n"
        "guest_letters:\n"
        "   mov  $'a', %eax\n"
        "   movd %eax, %xmm0\n"
        "   mov  $1, %eax\n"
        "   movd %eax, %xmm1\n"
        "1: movd %xmm0, %eax\n"
        "   out  %al, $0x10\n"
        "   paddb %xmm1, %xmm0\n"
        "   cmp  $'z', %al\n"
        "   jne  1b\n"
        "   out  %al, $0x99\n"
        "guest_end:\n"
        ".popsection\n");

static struct error error;

/* A VM with vCPUs over (memory), which is the test's. */
struct vm {
    struct kvm kvm;
    bool irqchip;
    int fd[2]; /* of the vCPUs; -1: none */
    struct kvm_run *run[2];
};

/* KVM leaves it out of what it supports, because not every VM has an APIC in the kernel. */
static void offer_tsc_deadline(struct kvm_cpuid2 *cpuid)
{
    for (unsigned i = 0; i < cpuid->nent; i++)
        if (cpuid->entries[i].function == 1)
            cpuid->entries[i].ecx |= 1 << 24;
}

static void make_vcpu(struct vm *vm, unsigned id)
{
    const struct kvm_cpuid_entry2 none = {0};
    union kvm_cpuid_table cpuid;

    ck_assert_int_eq(kvm_get_supported_cpuid(&vm->kvm, &cpuid, &error), 0);
    if (kvm_check_extension(&vm->kvm, KVM_CAP_TSC_DEADLINE_TIMER))
        offer_tsc_deadline(&cpuid.header);
    ck_assert_int_eq(x86_set_cpuid(&cpuid.header, KVM_CPUID_MAX, id, 2, &none, 0, &error), 0);
    ck_assert_int_eq(kvm_create_vcpu(&vm->kvm, id, &vm->fd[id], &vm->run[id], &error), 0);
    ck_assert_int_eq(kvm_set_cpuid(vm->fd[id], &cpuid, &error), 0);
}

static void make_vm(struct vm *vm, const struct memory *memory, bool irqchip, unsigned vcpus)
{
    *vm = (struct vm){.irqchip = irqchip, .fd = {-1, -1}};
    ck_assert_msg(kvm_open(&vm->kvm, KVM_DEVICE, &error) == 0, "%s", error.text);
    ck_assert_int_eq(kvm_set_memory(&vm->kvm, 0, &memory->slots[0], &error), 0);
    if (irqchip)
        ck_assert_msg(kvm_create_irqchip(&vm->kvm, &error) == 0, "%s", error.text);
    for (unsigned id = 0; id < vcpus; id++)
        make_vcpu(vm, id);
}

static void end_vm(struct vm *vm)
{
    for (unsigned id = 0; id < 2; id++)
        if (vm->fd[id] >= 0)
            kvm_destroy_vcpu(&vm->kvm, vm->fd[id], vm->run[id]);
    kvm_close(&vm->kvm);
}

/* 1 MiB with (program) at ENTRY and vCPU 0 about to run it, in (ring) 0 or 3. */
static void start(struct vm *vm, struct memory *memory, const uint8_t *program, uint8_t ring)
{
    const struct x86_start at = {.mode = X86_LONG, .entry = ENTRY, .stack = STACK};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    uint64_t root;

    ck_assert_int_eq(memory_write(memory, gpa(ENTRY), program, (uint64_t)(guest_end - program)), 0);
    ck_assert_int_eq(x86_write_gdt(memory, &error), 0);
    ck_assert_int_eq(x86_write_page_tables(memory, NULL, 0, &root, &error), 0);
    ck_assert_int_eq(kvm_get_special_registers(vm->fd[0], &sregs, &error), 0);
    x86_set_start(&at, root, &regs, &sregs);
    sregs.cs.dpl = sregs.ss.dpl = ring;
    sregs.cs.selector |= ring;
    sregs.ss.selector |= ring;
    sregs.cr4 |= 1 << 9 | 1 << 10; /* SSE */
    regs.rflags |= 3 << 12;        /* ring 3 may use ports */
    ck_assert_int_eq(kvm_set_special_registers(vm->fd[0], &sregs, &error), 0);
    ck_assert_int_eq(kvm_set_registers(vm->fd[0], &regs, &error), 0);
}

/* Run vCPU 0 until it writes to a port: which. */
static unsigned run_to_port(struct vm *vm, uint8_t *value)
{
    const struct kvm_run *run = vm->run[0];

    ck_assert_int_eq(kvm_run_vcpu(vm->fd[0]), 0);
    ck_assert_uint_eq(run->exit_reason, KVM_EXIT_IO);
    *value = ((const uint8_t *)run)[run->io.data_offset];
    return run->io.port;
}

/* Complete the exit: no instruction is run. */
static void come_to_rest(struct vm *vm)
{
    vm->run[0]->immediate_exit = 1;
    ck_assert_int_eq(kvm_run_vcpu(vm->fd[0]), -EINTR);
    vm->run[0]->immediate_exit = 0;
}

static void get(const struct vm *vm, unsigned id, struct kvm_vcpu_state *state)
{
    int result = kvm_get_vcpu_state(&vm->kvm, vm->fd[id], id, vm->irqchip, state, &error);

    ck_assert_msg(result == 0, "%s", error.text);
}

static void set(const struct vm *vm, unsigned id, const struct kvm_vcpu_state *state)
{
    int result = kvm_set_vcpu_state(&vm->kvm, vm->fd[id], state, &error);

    ck_assert_msg(result == 0, "%s", error.text);
}

static struct kvm_msr_entry *find_msr(struct kvm_vcpu_state *state, uint32_t index)
{
    for (unsigned i = 0; i < state->msr_count; i++)
        if (state->msrs[i].index == index)
            return &state->msrs[i];
    ck_abort_msg("MSR 0x%" PRIx32 " is not in the state", index);
}

static uint64_t msr(struct kvm_vcpu_state *state, uint32_t index)
{
    return find_msr(state, index)->data;
}

static uint64_t tsc(const struct vm *vm, unsigned id)
{
    struct kvm_msr_entry entry = {.index = MSR_TSC};

    ck_assert_int_eq(kvm_get_msrs(vm->fd[id], &entry, 1, &error), 1);
    return entry.data;
}

static uint32_t lapic(const struct kvm_vcpu_state *state, unsigned reg)
{
    uint32_t value;

    memcpy(&value, &state->lapic.regs[reg], sizeof(value));
    return value;
}

static void put_lapic(struct kvm_vcpu_state *state, unsigned reg, uint32_t value)
{
    memcpy(&state->lapic.regs[reg], &value, sizeof(value));
}

/* What moves by itself. */
static void clear_clocks(struct kvm_vcpu_state *state)
{
    for (unsigned i = 0; i < state->msr_count; i++)
        if (state->msrs[i].index == MSR_TSC || state->msrs[i].index == MSR_HYPERV_RUNTIME ||
            state->msrs[i].index == MSR_HYPERV_TIME)
            state->msrs[i].data = 0;
    put_lapic(state, LAPIC_TIMER_CURRENT, 0);
}

/* One test's: a VM that was programmed by the first guest, and another one to continue in. */
static struct memory memory;
static struct vm vm, other;
static struct kvm_vcpu_state before, after;

static void fill_patterns(void)
{
    for (unsigned i = 0; i < 16; i++) /* XMM0.. at byte 160 of XSAVE, and that they count, at 512 */
        memset(&before.xsave[40 + 4 * i], 0xa0 + (int)i, 16);
    before.xsave[128] |= 3;
    before.regs.rax = 0x1111222233334444;
    before.regs.r8 = 0x8888999900001111;
    before.regs.r15 = 0xfffffffffffffff0;
    before.regs.rflags |= 1; /* carry */
    before.debug.db[3] = 0xffffffff81000000;
    before.mp.mp_state = KVM_MP_STATE_HALTED;
    before.events.nmi.pending = 1;
    before.events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
}

static void setup(void)
{
    uint8_t value;

    ck_assert_int_eq(memory_init(&memory, MEMORY_MIN, &error), 0);
    make_vm(&vm, &memory, true, 1);
    start(&vm, &memory, guest_programs, 0);
    ck_assert_uint_eq(run_to_port(&vm, &value), READY);
    come_to_rest(&vm);
    get(&vm, 0, &before);
    fill_patterns();
    set(&vm, 0, &before);
    get(&vm, 0, &before);
    make_vm(&other, &memory, true, 1);
}

static void teardown(void)
{
    end_vm(&vm);
    end_vm(&other);
    memory_finish(&memory);
}

START_TEST(the_state_has_what_the_guest_and_the_test_have_set)
{
    ck_assert_uint_eq(before.version, KVM_STATE_VERSION);
    ck_assert_uint_eq(before.regs.rax, 0x1111222233334444);
    ck_assert_uint_eq(msr(&before, MSR_STAR), 0x0023000800000000);
    ck_assert_uint_eq(msr(&before, MSR_LSTAR), 0xffff800000123450);
    ck_assert_uint_eq(msr(&before, MSR_KERNEL_GS_BASE), 0x0000123400123450);
    ck_assert_uint_eq(msr(&before, MSR_PAT), 0x0007010600070406);
    ck_assert_uint_eq(msr(&before, MSR_MTRR_DEFAULT), 0xc06);
    ck_assert_uint_eq(before.debug.db[0], 0xdead000);
    ck_assert_uint_eq(before.debug.dr7, 0x401);
    ck_assert_uint_eq(before.mp.mp_state, KVM_MP_STATE_HALTED);
    ck_assert_uint_eq(before.events.nmi.pending, 1);
    ck_assert_uint_eq(before.xsave[40 + 4 * 15], 0xafafafaf);
    ck_assert_uint_eq(lapic(&before, LAPIC_SPURIOUS), 0x1ff);
    ck_assert_uint_eq(lapic(&before, LAPIC_LVT_TIMER), LVT_PERIODIC | LVT_MASKED | 0x40);
}
END_TEST

START_TEST(another_vcpu_has_the_same_state_but_for_its_clocks)
{
    set(&other, 0, &before);
    get(&other, 0, &after);
    clear_clocks(&before);
    clear_clocks(&after);
    ck_assert_mem_eq(&after.regs, &before.regs, sizeof(after.regs));
    ck_assert_mem_eq(&after.sregs, &before.sregs, sizeof(after.sregs));
    ck_assert_mem_eq(&after.debug, &before.debug, sizeof(after.debug));
    ck_assert_mem_eq(&after.events, &before.events, sizeof(after.events));
    ck_assert_uint_eq(after.mp.mp_state, before.mp.mp_state);
    ck_assert_mem_eq(after.xsave, before.xsave, sizeof(after.xsave));
    ck_assert_mem_eq(&after.xcrs, &before.xcrs, sizeof(after.xcrs));
    ck_assert_mem_eq(&after.lapic, &before.lapic, sizeof(after.lapic));
    ck_assert_uint_eq(after.msr_count, before.msr_count);
    for (unsigned i = 0; i < after.msr_count; i++)
        ck_assert_msg(after.msrs[i].data == before.msrs[i].data, "MSR 0x%x", after.msrs[i].index);
    ck_assert_mem_eq(&after, &before, kvm_vcpu_state_size(&before));
}
END_TEST

/* What is set in a file must not depend on what was in memory before. */
START_TEST(two_states_of_a_vcpu_that_rests_are_the_same_bytes)
{
    memset(&before, 0x55, sizeof(before));
    memset(&after, 0xaa, sizeof(after));
    get(&vm, 0, &before);
    get(&vm, 0, &after);
    clear_clocks(&before);
    clear_clocks(&after);
    ck_assert_mem_eq(&after, &before, kvm_vcpu_state_size(&before));
}
END_TEST

/* Some KVMs let the guest see the host's TSC, and take another value without using it. */
static bool tsc_can_be_set(void)
{
    const struct kvm_msr_entry entry = {.index = MSR_TSC, .data = 1ULL << 60};

    ck_assert_int_eq(kvm_set_msrs(vm.fd[0], &entry, 1, &error), 1);
    return tsc(&vm, 0) >= entry.data;
}

START_TEST(the_tsc_goes_on_from_its_value)
{
    struct kvm_msr_entry *entry = find_msr(&before, MSR_TSC);
    const uint64_t second = (uint64_t)before.tsc_khz * 1000, saved = entry->data;
    static const unsigned seconds[] = {0, 1, 3600};
    uint64_t read;

    /*
     * KVM must not take a value close to the age of the VM for an attempt to synchronise.
     */
    entry->data = seconds[_i] * second + second / 2;
    set(&other, 0, &before);
    read = tsc(&other, 0);
    if (tsc_can_be_set()) {
        ck_assert_uint_ge(read, entry->data);
        ck_assert_uint_lt(read, entry->data + second / 4);
    } else {
        ck_assert_uint_gt(read, saved);
    }
}
END_TEST

/* (before) with the timer in this mode, which the deadline needs. */
static void arm_deadline(uint64_t now, uint64_t deadline)
{
    put_lapic(&before, LAPIC_LVT_TIMER, LVT_TSC_DEADLINE | 0x40);
    put_lapic(&before, LAPIC_TIMER_INITIAL, 0);
    find_msr(&before, MSR_TSC)->data = now;
    find_msr(&before, MSR_TSC_DEADLINE)->data = deadline;
}

START_TEST(a_tsc_deadline_is_set_with_the_timer_in_its_mode)
{
    const uint64_t now = tsc(&vm, 0), hour = (uint64_t)before.tsc_khz * 1000 * 3600;

    arm_deadline(now, now + hour);
    set(&other, 0, &before);
    get(&other, 0, &after);
    ck_assert_uint_eq(msr(&after, MSR_TSC_DEADLINE), now + hour);
}
END_TEST

/* From a host that has been up for longer; also to a KVM that does not set TSCs at all. */
START_TEST(a_tsc_deadline_stays_as_far_away_as_it_was)
{
    const uint64_t second = (uint64_t)before.tsc_khz * 1000;
    const uint64_t now = tsc(&vm, 0) + 3600 * second;
    uint64_t left;

    arm_deadline(now, now + 60 * second);
    set(&other, 0, &before);
    get(&other, 0, &after);
    left = msr(&after, MSR_TSC_DEADLINE) - msr(&after, MSR_TSC);
    ck_assert_uint_le(left, 60 * second);
    ck_assert_uint_gt(left, 59 * second);
}
END_TEST

START_TEST(a_timer_that_counts_goes_on_from_its_count)
{
    uint32_t count;

    put_lapic(&before, LAPIC_TIMER_CURRENT, 0x40000000);
    set(&other, 0, &before);
    get(&other, 0, &after);
    count = lapic(&after, LAPIC_TIMER_CURRENT);
    ck_assert_uint_le(count, 0x40000000);
    ck_assert_uint_gt(count, 0x38000000);
}
END_TEST

START_TEST(another_vm_has_the_same_controllers)
{
    struct kvm_vm_state from, to;

    ck_assert_int_eq(kvm_get_vm_state(&vm.kvm, true, &from, &error), 0);
    ck_assert_uint_eq(from.chips[0].chip.pic.irq_base, 0x30);
    ck_assert_uint_eq(from.chips[1].chip.pic.imr, 0xfe);
    ck_assert_uint_eq(from.chips[2].chip.ioapic.redirtbl[5].bits, 0x18055);
    ck_assert_uint_eq(from.pit.channels[2].count, 0x1234);
    ck_assert_msg(kvm_set_vm_state(&other.kvm, &from, &error) == 0, "%s", error.text);
    ck_assert_int_eq(kvm_get_vm_state(&other.kvm, true, &to, &error), 0);
    ck_assert_mem_eq(to.chips, from.chips, sizeof(to.chips));
    for (unsigned i = 0; i < 3; i++)
        to.pit.channels[i].count_load_time = from.pit.channels[i].count_load_time;
    ck_assert_mem_eq(&to.pit, &from.pit, sizeof(to.pit));
}
END_TEST

START_TEST(the_clock_goes_on_from_its_value)
{
    struct kvm_vm_state state, later;
    const uint64_t second = 1000000000;

    ck_assert_int_eq(kvm_get_vm_state(&vm.kvm, true, &state, &error), 0);
    ck_assert_uint_eq(state.has_clock, 1);
    state.clock.clock += 3600 * second;
    ck_assert_msg(kvm_set_vm_state(&other.kvm, &state, &error) == 0, "%s", error.text);
    ck_assert_int_eq(kvm_get_vm_state(&other.kvm, true, &later, &error), 0);
    ck_assert_uint_ge(later.clock.clock, state.clock.clock);
    ck_assert_uint_lt(later.clock.clock, state.clock.clock + second);
}
END_TEST

START_TEST(an_msr_that_is_not_here_is_named)
{
    before.msrs[before.msr_count++] = (struct kvm_msr_entry){.index = MSR_NONE};
    ck_assert_int_eq(kvm_set_vcpu_state(&other.kvm, other.fd[0], &before, &error), -EOPNOTSUPP);
    ck_assert_str_eq(error.text, "KVM_SET_MSRS: vCPU 0: there is no MSR 0x12345678 on this host; "
                                 "restore it where it was saved");
}
END_TEST

START_TEST(an_msr_that_cannot_be_set_may_have_the_value_that_it_has)
{
    struct kvm_msr_entry entry = {.index = MSR_MTRR_CAP};

    ck_assert_int_eq(kvm_get_msrs(other.fd[0], &entry, 1, &error), 1);
    before.msrs[before.msr_count++] = entry;
    set(&other, 0, &before);
}
END_TEST

START_TEST(an_msr_that_cannot_have_its_value_is_named)
{
    before.msrs[before.msr_count++] = (struct kvm_msr_entry){.index = MSR_MTRR_CAP, .data = 0xbad};
    ck_assert_int_eq(kvm_set_vcpu_state(&other.kvm, other.fd[0], &before, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "vCPU 0: MSR 0xfe is 0x"));
    ck_assert_ptr_nonnull(strstr(error.text, " cannot become 0xbad; "));
}
END_TEST

START_TEST(what_kvm_refuses_is_named)
{
    before.sregs.cr0 = UINT64_MAX;
    ck_assert_int_eq(kvm_set_vcpu_state(&other.kvm, other.fd[0], &before, &error), -EINVAL);
    ck_assert_str_eq(error.text, "KVM_SET_SREGS: Invalid argument");
}
END_TEST

/* The sentences matter little; that KVM and this program stay whole does. */
START_TEST(a_flipped_byte_of_a_vcpu_is_refused_or_set)
{
    const size_t size = kvm_vcpu_state_size(&before);
    uint8_t *bytes = (uint8_t *)&before;

    for (size_t i = (size_t)_i; i < size; i += 8) {
        bytes[i] ^= 0xff;
        error.text[0] = '\0';
        if (kvm_parse_vcpu_state(bytes, size, &after, &error) < 0 ||
            kvm_set_vcpu_state(&other.kvm, other.fd[0], &after, &error) < 0)
            ck_assert_msg(error.text[0] != '\0', "byte %zu", i);
        bytes[i] ^= 0xff;
    }
    set(&other, 0, &before);
}
END_TEST

START_TEST(a_flipped_byte_of_a_vm_is_refused_or_set)
{
    struct kvm_vm_state state, taken;
    uint8_t *bytes = (uint8_t *)&state;

    ck_assert_int_eq(kvm_get_vm_state(&vm.kvm, true, &state, &error), 0);
    for (size_t i = 0; i < sizeof(state); i++) {
        bytes[i] ^= 0xff;
        error.text[0] = '\0';
        if (kvm_parse_vm_state(bytes, sizeof(state), &taken, &error) < 0 ||
            kvm_set_vm_state(&other.kvm, &taken, &error) < 0)
            ck_assert_msg(error.text[0] != '\0', "byte %zu", i);
        bytes[i] ^= 0xff;
    }
    ck_assert_msg(kvm_set_vm_state(&other.kvm, &state, &error) == 0, "%s", error.text);
}
END_TEST

/* From one VM into the next over the same memory, at every exit. */
START_TEST(a_guest_goes_on_in_another_vm_after_every_exit)
{
    const bool irqchip = _i;
    char letters[32] = "";
    size_t count = 0;
    uint8_t value;

    ck_assert_int_eq(memory_init(&memory, MEMORY_MIN, &error), 0);
    make_vm(&vm, &memory, irqchip, 1);
    start(&vm, &memory, guest_letters, 3);
    while (run_to_port(&vm, &value) == LETTER && count < sizeof(letters) - 1) {
        letters[count++] = (char)value;
        come_to_rest(&vm);
        get(&vm, 0, &before);
        end_vm(&vm);
        make_vm(&vm, &memory, irqchip, 1);
        set(&vm, 0, &before);
    }
    end_vm(&vm);
    memory_finish(&memory);
    ck_assert_str_eq(letters, "abcdefghijklmnopqrstuvwxyz");
}
END_TEST

START_TEST(the_tscs_of_two_vcpus_stay_together)
{
    static struct kvm_vcpu_state second;
    uint64_t first;

    ck_assert_int_eq(memory_init(&memory, MEMORY_MIN, &error), 0);
    make_vm(&vm, &memory, true, 2);
    get(&vm, 0, &before);
    get(&vm, 1, &second);
    make_vm(&other, &memory, true, 2);
    set(&other, 0, &before);
    set(&other, 1, &second);
    for (unsigned i = 0; i < 100; i++) {
        first = tsc(&other, 0);
        ck_assert_uint_gt(tsc(&other, 1), first);
        first = tsc(&other, 1);
        ck_assert_uint_gt(tsc(&other, 0), first);
    }
    teardown();
}
END_TEST

/* A note as it could be, without KVM. */
static void invent(void)
{
    memset(&before, 0, sizeof(before));
    before.version = KVM_STATE_VERSION;
    before.id = 7;
    before.msr_count = 3;
    before.msrs[2].data = 42;
}

START_TEST(a_note_is_read_back)
{
    invent();
    ck_assert_uint_eq(kvm_vcpu_state_size(&before),
                      offsetof(struct kvm_vcpu_state, msrs) + 3 * sizeof(struct kvm_msr_entry));
    ck_assert_int_eq(kvm_parse_vcpu_state(&before, kvm_vcpu_state_size(&before), &after, &error),
                     0);
    ck_assert_mem_eq(&after, &before, sizeof(after));
}
END_TEST

START_TEST(a_note_of_another_size_is_refused)
{
    const size_t size = sizeof(before.msrs[0]) * 3 + offsetof(struct kvm_vcpu_state, msrs);
    uint8_t *exact;

    invent();
    /*
     * The bytes are at the end of an allocation, so that the address sanitizer sees a longer read.
     */
    for (size_t cut = 0; cut < size; cut++) {
        exact = malloc(cut ? cut : 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, &before, cut);
        ck_assert_int_eq(kvm_parse_vcpu_state(exact, cut, &after, &error), -EINVAL);
        free(exact);
    }
    ck_assert_int_eq(kvm_parse_vcpu_state(&before, size + 1, &after, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "the note of a vCPU's state has "));
}
END_TEST

START_TEST(a_note_of_another_version_is_refused)
{
    invent();
    before.version = KVM_STATE_VERSION + 1;
    ck_assert_int_eq(kvm_parse_vcpu_state(&before, kvm_vcpu_state_size(&before), &after, &error),
                     -EINVAL);
    ck_assert_str_eq(error.text, "the note of a vCPU's state has version 2, but this minivmm reads "
                                 "1; use the one that wrote it");
}
END_TEST

START_TEST(more_msrs_than_there_is_room_for_are_refused)
{
    static const uint32_t counts[] = {KVM_STATE_MSRS + 1, UINT32_MAX, UINT32_MAX / 16 + 1};

    invent();
    before.msr_count = counts[_i];
    ck_assert_int_eq(kvm_parse_vcpu_state(&before, sizeof(before), &after, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, " MSRs, but there are at most 1024"));
}
END_TEST

START_TEST(parts_that_are_unknown_are_refused)
{
    invent();
    before.parts = 0x100;
    ck_assert_int_eq(kvm_parse_vcpu_state(&before, kvm_vcpu_state_size(&before), &after, &error),
                     -EINVAL);
    ck_assert_str_eq(error.text, "the note of a vCPU's state has parts 0x100, of which 0x100 are "
                                 "unknown");
}
END_TEST

static const struct vm_case {
    struct kvm_vm_state state;
    size_t size;
    int result;
} vm_cases[] = {
    {{.version = KVM_STATE_VERSION}, sizeof(struct kvm_vm_state), 0},
    {{.version = KVM_STATE_VERSION}, sizeof(struct kvm_vm_state) - 1, -EINVAL},
    {{.version = KVM_STATE_VERSION}, 3, -EINVAL},
    {{.version = KVM_STATE_VERSION}, 0, -EINVAL},
    {{.version = KVM_STATE_VERSION + 1}, sizeof(struct kvm_vm_state), -EINVAL},
    {{.version = KVM_STATE_VERSION, .has_clock = 2}, sizeof(struct kvm_vm_state), -EINVAL},
    {{.version = KVM_STATE_VERSION, .has_irqchip = 2}, sizeof(struct kvm_vm_state), -EINVAL},
    /* Three controllers that all have the number of the first. */
    {{.version = KVM_STATE_VERSION, .has_irqchip = 1}, sizeof(struct kvm_vm_state), -EINVAL},
};

START_TEST(a_note_of_a_vm_is_checked_too)
{
    const struct vm_case *c = &vm_cases[_i];
    struct kvm_vm_state state;

    ck_assert_int_eq(kvm_parse_vm_state(&c->state, c->size, &state, &error), c->result);
}
END_TEST

static TCase *notes_case(void)
{
    TCase *tcase = tcase_create("notes");

    tcase_add_test(tcase, a_note_is_read_back);
    tcase_add_test(tcase, a_note_of_another_size_is_refused);
    tcase_add_test(tcase, a_note_of_another_version_is_refused);
    tcase_add_loop_test(tcase, more_msrs_than_there_is_room_for_are_refused, 0, 3);
    tcase_add_test(tcase, parts_that_are_unknown_are_refused);
    tcase_add_loop_test(tcase, a_note_of_a_vm_is_checked_too, 0,
                        (int)(sizeof(vm_cases) / sizeof(vm_cases[0])));
    return tcase;
}

static TCase *programmed_case(void)
{
    TCase *tcase = tcase_create("programmed");

    tcase_add_checked_fixture(tcase, setup, teardown);
    kvm_test_add(tcase, the_state_has_what_the_guest_and_the_test_have_set, 1);
    kvm_test_add(tcase, another_vcpu_has_the_same_state_but_for_its_clocks, 1);
    kvm_test_add(tcase, two_states_of_a_vcpu_that_rests_are_the_same_bytes, 1);
    kvm_test_add(tcase, the_tsc_goes_on_from_its_value, 3);
    kvm_test_add(tcase, a_tsc_deadline_is_set_with_the_timer_in_its_mode, 1);
    kvm_test_add(tcase, a_tsc_deadline_stays_as_far_away_as_it_was, 1);
    kvm_test_add(tcase, a_timer_that_counts_goes_on_from_its_count, 1);
    kvm_test_add(tcase, another_vm_has_the_same_controllers, 1);
    kvm_test_add(tcase, the_clock_goes_on_from_its_value, 1);
    kvm_test_add(tcase, an_msr_that_is_not_here_is_named, 1);
    kvm_test_add(tcase, an_msr_that_cannot_be_set_may_have_the_value_that_it_has, 1);
    kvm_test_add(tcase, an_msr_that_cannot_have_its_value_is_named, 1);
    kvm_test_add(tcase, what_kvm_refuses_is_named, 1);
    kvm_test_add(tcase, a_flipped_byte_of_a_vcpu_is_refused_or_set, 8);
    kvm_test_add(tcase, a_flipped_byte_of_a_vm_is_refused_or_set, 1);
    return tcase;
}

static TCase *running_case(void)
{
    TCase *tcase = tcase_create("running");

    kvm_test_add(tcase, a_guest_goes_on_in_another_vm_after_every_exit, 2);
    kvm_test_add(tcase, the_tscs_of_two_vcpus_stay_together, 1);
    return tcase;
}

Suite *kvm_state_suite(void)
{
    Suite *suite = suite_create("kvm_state");

    suite_add_tcase(suite, notes_case());
    suite_add_tcase(suite, programmed_case());
    suite_add_tcase(suite, running_case());
    return suite;
}
