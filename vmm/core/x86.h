/*
 * The x86 part of the boot contract: registers, GDT, page tables and CPUID of a new vCPU.
 *
 * Pure: it fills structures and guest memory; kvm.c passes them to KVM.
 */
#ifndef VMM_CORE_X86_H
#define VMM_CORE_X86_H

#include "vmm/base/error.h"
#include "vmm/core/paging.h"
#include "vmm/core/x86_bits.h"
#include "vmm/io/memory.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

enum x86_mode { X86_LONG, X86_PROTECTED, X86_REAL };

/* How vCPU 0 starts. */
struct x86_start {
    enum x86_mode mode;
    uint64_t entry; /* gpa of the first instruction */
    uint64_t stack; /* RSP, 16-byte aligned; real mode: SP */
    uint64_t info;  /* gpa of the boot-information block: RDI in long mode, else EBX */
    uint64_t rax;   /* a magic number, if the image's format requires one */
    bool bare;      /* protected mode: CR0 and CR4 have PE only, as Multiboot and PVH require */
};

/* Write the boot GDT into guest memory. */
int x86_write_gdt(const struct memory *memory, struct error *error);

/*
 * Write page tables into the boot area: the first 4 GiB, and the GiB around each of the (count)
 * addresses in (devices), mapped to themselves with 2 MiB pages that ring 3 may use too. *root is
 * the value for CR3.
 */
int x86_write_page_tables(const struct memory *memory, const uint64_t *devices, unsigned count,
                          uint64_t *root, struct error *error);

/* The start state. (sregs) comes from KVM_GET_SREGS, so that other fields keep KVM's values. */
void x86_set_start(const struct x86_start *start, uint64_t root, struct kvm_regs *regs,
                   struct kvm_sregs *sregs);

/*
 * Make the CPUID of vCPU (id) of (vcpu_count) from KVM's supported CPUID: it gets its APIC id and
 * topology, UMIP is removed (with UMIP a ring-3 `smsw` would fault before it reaches the ptlcall
 * trigger), and the (count) leaves in (extra) are added. If leaf 0x40000000 is one of them, the
 * machine presents another hypervisor, and KVM's own leaves from there on are removed. Xen's leaf
 * 0x40000004 gets the vCPU's id. (cpuid) has room for (capacity) entries. -ENOSPC.
 */
int x86_set_cpuid(struct kvm_cpuid2 *cpuid, unsigned capacity, unsigned id, unsigned vcpu_count,
                  const struct kvm_cpuid_entry2 *extra, unsigned count, struct error *error);

/* The width of the code that runs with these registers: 16, 32 or 64 bits. */
unsigned x86_code_bits(const struct kvm_sregs *sregs);

/* The registers of them that paging_walk() needs. */
struct paging_registers x86_paging(const struct kvm_sregs *sregs);

/* The width of a physical address, in bits, from (cpuid). */
unsigned x86_physical_bits(const struct kvm_cpuid2 *cpuid);

#endif
