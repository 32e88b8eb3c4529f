/*
 * Does KVM step ring 3? The test is a VM with one vCPU and no interrupt table: a trap that KVM does
 * not handle itself shuts it down.
 */
#include "vmm/core/kvm.h"
#include "vmm/core/x86.h"
#include "vmm/io/memory.h"
#include "vmm/step/step.h"

#define ENTRY 0x20000
#define STACK 0x30000
#define RING  3

static const uint8_t program[] = {0x90, 0x90}; /* nop; nop */

static int prepare(const struct memory *memory, int vcpu_fd)
{
    const struct x86_start start = {.mode = X86_LONG, .entry = ENTRY, .stack = STACK};
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    uint64_t root;
    int result = memory_write(memory, gpa(ENTRY), program, sizeof(program));

    if (result == 0)
        result = x86_write_gdt(memory, NULL);
    if (result == 0)
        result = x86_write_page_tables(memory, NULL, 0, &root, NULL);
    if (result == 0)
        result = kvm_get_special_registers(vcpu_fd, &sregs, NULL);
    if (result < 0)
        return result;
    x86_set_start(&start, root, &regs, &sregs);
    sregs.cs.dpl = sregs.ss.dpl = RING;
    sregs.cs.selector |= RING;
    sregs.ss.selector |= RING;
    sregs.idt.limit = 0;
    result = kvm_set_special_registers(vcpu_fd, &sregs, NULL);
    return result < 0 ? result : kvm_set_registers(vcpu_fd, &regs, NULL);
}

static bool try_vcpu(const struct kvm *kvm, const struct memory *memory)
{
    struct kvm_regs regs;
    struct kvm_run *run;
    bool stepped;
    int fd;

    if (kvm_set_memory(kvm, 0, &memory->slots[0], NULL) < 0 ||
        kvm_create_vcpu(kvm, 0, &fd, &run, NULL) < 0)
        return false;
    stepped = prepare(memory, fd) == 0 && kvm_set_single_step(fd, true, NULL, NULL) == 0 &&
              kvm_run_vcpu(fd) == 0 && run->exit_reason == KVM_EXIT_DEBUG &&
              kvm_get_registers(fd, &regs, NULL) == 0 && regs.rip == ENTRY + 1;
    kvm_destroy_vcpu(kvm, fd, run);
    return stepped;
}

bool step_probe(void)
{
    struct memory memory;
    struct kvm kvm;
    bool stepped = false;

    if (memory_init(&memory, MEMORY_MIN, NULL) < 0)
        return false;
    if (kvm_open(&kvm, KVM_DEVICE, NULL) == 0) {
        stepped = try_vcpu(&kvm, &memory);
        kvm_close(&kvm);
    }
    memory_finish(&memory);
    return stepped;
}
