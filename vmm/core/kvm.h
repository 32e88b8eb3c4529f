/*
 * Every KVM ioctl, with its error checked and reported by name. No other file calls ioctl on a KVM
 * descriptor, except kvm_state_ioctl.c (for checkpoints), under the same rule.
 *
 * Functions return 0 or a negative errno, with a sentence that names the ioctl.
 */
#ifndef VMM_CORE_KVM_H
#define VMM_CORE_KVM_H

#include "vmm/base/error.h"
#include "vmm/io/memory.h"
#include "vmm/io/msr.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define KVM_DEVICE    "/dev/kvm"
#define KVM_CPUID_MAX 256

struct kvm {
    int system_fd, vm_fd;
    size_t run_size;         /* bytes to map of each vCPU descriptor */
    uint64_t sync_registers; /* register sets that KVM_CAP_SYNC_REGS copies; 0: none */
    unsigned vcpus_max;
    unsigned slots_max;  /* memory slots, numbered from 0 */
    bool readonly_slots; /* KVM_CAP_READONLY_MEM */
};

/* A kvm_cpuid2 with room for KVM_CPUID_MAX entries: its last member is a flexible array. */
union kvm_cpuid_table {
    struct kvm_cpuid2 header;
    uint8_t room[sizeof(struct kvm_cpuid2) + KVM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
};

/*
 * Any ioctl, for kvm.c and kvm_state_ioctl.c only. Returns its result, or a negative errno with the
 * sentence "(name): …".
 */
int kvm_call(int fd, unsigned long request, const char *name, void *argument, struct error *error);
#define KVM_CALL(fd, request, argument, error) kvm_call(fd, request, #request, argument, error)

/* No VM and no descriptors: valid for kvm_close(). */
void kvm_init(struct kvm *kvm);

/*
 * Open (path) and make a VM. -ENOENT, -EACCES, -ENOTTY, -EPROTO (another API version), -EOPNOTSUPP
 * (a required capability is absent): the sentence names the remedy.
 */
int kvm_open(struct kvm *kvm, const char *path, struct error *error);
void kvm_close(struct kvm *kvm);

/* Set memory slot (number) of the VM to (slot). */
int kvm_set_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                   struct error *error);

/*
 * kvm_set_readonly_memory(): the same for a slot that the guest can only read; a write is an MMIO
 * exit. -EOPNOTSUPP: KVM has no such slots. kvm_delete_memory(): remove a slot; its addresses
 * become device space. All may be called while vCPUs run.
 */
int kvm_set_readonly_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                            struct error *error);
int kvm_delete_memory(const struct kvm *kvm, unsigned number, struct error *error);

/*
 * Make the in-kernel interrupt controllers (PICs, IOAPIC, local APICs) and the PIT, before the
 * first vCPU. PIC inputs 10 and 11, which have PCI interrupts, become level-triggered.
 */
int kvm_create_irqchip(const struct kvm *kvm, struct error *error);

/*
 * Change a line of the interrupt controllers; send them a message. KVM accepts every value, so
 * errors are ignored.
 */
void kvm_set_irq_line(const struct kvm *kvm, unsigned gsi, bool level);
void kvm_send_msi(const struct kvm *kvm, uint64_t address, uint32_t data);

/*
 * Let KVM handle OUTs of any width to (port): each adds 1 to (event), an eventfd, and causes no
 * exit. -EOPNOTSUPP: KVM does not support it.
 */
int kvm_add_port_event(const struct kvm *kvm, uint16_t port, int event, struct error *error);

/*
 * Reserve the pages that VMX without unrestricted guest needs for unpaged modes; before the first
 * vCPU.
 */
int kvm_set_unpaged_room(const struct kvm *kvm, struct error *error);

/* Make each access to the MSRs in (msrs) an exit. -EOPNOTSUPP: KVM does not support it. */
int kvm_set_msr_exits(const struct kvm *kvm, const struct msr_table *msrs, struct error *error);

int kvm_get_supported_cpuid(const struct kvm *kvm, union kvm_cpuid_table *table,
                            struct error *error);

/* A vCPU's descriptor and its mapped run page. */
int kvm_create_vcpu(const struct kvm *kvm, unsigned id, int *fd, struct kvm_run **run,
                    struct error *error);
void kvm_destroy_vcpu(const struct kvm *kvm, int fd, struct kvm_run *run);

int kvm_set_cpuid(int vcpu_fd, union kvm_cpuid_table *table, struct error *error);

/*
 * Make KVM rebuild its map of local APICs, by writing one unchanged: the vCPU that was created last
 * is missing from the map, and INIT would not reach it.
 */
int kvm_list_apic(int vcpu_fd, struct error *error);

int kvm_get_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error);
int kvm_set_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error);
int kvm_get_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error);
int kvm_set_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error);
int kvm_get_mp_state(int vcpu_fd, struct kvm_mp_state *state, struct error *error);
int kvm_get_events(int vcpu_fd, struct kvm_vcpu_events *events, struct error *error);

/*
 * Make KVM stop the vCPU after each instruction and, unless (breakpoint) is NULL, before the
 * instruction at the linear address *breakpoint; or end both.
 */
int kvm_set_single_step(int vcpu_fd, bool on, const uint64_t *breakpoint, struct error *error);

/* KVM_RUN, unchecked: 0 or a negative errno; -EINTR and -EAGAIN are not failures. */
int kvm_run_vcpu(int vcpu_fd);

/*
 * The same without the C library's ioctl(): calls and returns between KVM_RUNs cost more than
 * elsewhere, see vmm/io/bus.h.
 */
static inline int kvm_run_vcpu_here(int vcpu_fd)
{
    long result = SYS_ioctl;

    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"((long)vcpu_fd), "S"((long)KVM_RUN), "d"(0L)
                     : "rcx", "r11", "memory");
    return (int)result;
}

#endif
