/*
 * Every KVM ioctl, checked and named. Nothing else calls ioctl on a KVM descriptor; those for
 * checkpoints are in kvm_state_ioctl.c, under the same rule.
 *
 * Functions give 0 or a negative errno, with a sentence that names the ioctl.
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
    uint64_t sync_registers; /* what KVM_CAP_SYNC_REGS keeps in the run page; 0: absent */
    unsigned vcpus_max;
    unsigned slots_max;  /* memory slots, numbered from 0 */
    bool readonly_slots; /* KVM_CAP_READONLY_MEM */
};

/* Room for KVM_CPUID_MAX entries behind the header, which ends in an array without a size. */
union kvm_cpuid_table {
    struct kvm_cpuid2 header;
    uint8_t room[sizeof(struct kvm_cpuid2) + KVM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
};

/*
 * Any ioctl, for kvm.c and kvm_state_ioctl.c alone: what it gives, or a negative errno with the
 * sentence "(name): …".
 */
int kvm_call(int fd, unsigned long request, const char *name, void *argument, struct error *error);
#define KVM_CALL(fd, request, argument, error) kvm_call(fd, request, #request, argument, error)

/* No VM, no descriptors: what kvm_close() takes. */
void kvm_init(struct kvm *kvm);

/*
 * Open (path) and make a VM. -ENOENT, -EACCES, -ENOTTY, -EPROTO (another API version), -EOPNOTSUPP
 * (a needed capability is absent): the sentence says what to do.
 */
int kvm_open(struct kvm *kvm, const char *path, struct error *error);
void kvm_close(struct kvm *kvm);

/* Memory slot (number) of the VM is (slot). */
int kvm_set_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                   struct error *error);

/*
 * The same for a slot that the guest only reads: a write to it is an MMIO exit. -EOPNOTSUPP: KVM has
 * none. And a slot is taken away again: what it mapped is device space then. All while vCPUs run, too.
 */
int kvm_set_readonly_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                            struct error *error);
int kvm_delete_memory(const struct kvm *kvm, unsigned number, struct error *error);

/*
 * The in-kernel interrupt controllers (PICs, IOAPIC, local APICs) and PIT; before the first vCPU.
 * PIC inputs 10 and 11, where PCI interrupts arrive, become level-triggered.
 */
int kvm_create_irqchip(const struct kvm *kvm, struct error *error);

/* Into them: a line that changes, a message. KVM takes any; failures are nobody's to mend. */
void kvm_set_irq_line(const struct kvm *kvm, unsigned gsi, bool level);
void kvm_send_msi(const struct kvm *kvm, uint64_t address, uint32_t data);

/*
 * KVM takes OUTs of any width to (port) itself: each of them adds 1 to (event), an eventfd, and the vCPU goes
 * on. -EOPNOTSUPP: this KVM cannot.
 */
int kvm_add_port_event(const struct kvm *kvm, uint16_t port, int event, struct error *error);

/* Room that VMX without unrestricted guest needs for unpaged modes; before the first vCPU. */
int kvm_set_unpaged_room(const struct kvm *kvm, struct error *error);

/* Let each access to the MSRs in (msrs) be an exit. -EOPNOTSUPP: KVM makes none. */
int kvm_set_msr_exits(const struct kvm *kvm, const struct msr_table *msrs, struct error *error);

int kvm_get_supported_cpuid(const struct kvm *kvm, union kvm_cpuid_table *table,
                            struct error *error);

/* A vCPU's descriptor and its mapped run page. */
int kvm_create_vcpu(const struct kvm *kvm, unsigned id, int *fd, struct kvm_run **run,
                    struct error *error);
void kvm_destroy_vcpu(const struct kvm *kvm, int fd, struct kvm_run *run);

int kvm_set_cpuid(int vcpu_fd, union kvm_cpuid_table *table, struct error *error);

/*
 * Let KVM make its list of local APICs again, by setting one to what it is: the vCPU that was
 * created last is missing in it, and INIT would not reach it before some APIC has changed.
 */
int kvm_list_apic(int vcpu_fd, struct error *error);

int kvm_get_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error);
int kvm_set_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error);
int kvm_get_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error);
int kvm_set_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error);
int kvm_get_mp_state(int vcpu_fd, struct kvm_mp_state *state, struct error *error);
int kvm_get_events(int vcpu_fd, struct kvm_vcpu_events *events, struct error *error);

/*
 * Let KVM stop the vCPU behind each instruction, from the one it is at, and before the one at the linear
 * address *breakpoint, unless NULL; or run it on.
 */
int kvm_set_single_step(int vcpu_fd, bool on, const uint64_t *breakpoint, struct error *error);

/* KVM_RUN, unchecked: 0 or a negative errno; -EINTR and -EAGAIN are no errors. */
int kvm_run_vcpu(int vcpu_fd);

/*
 * The same without the C library's ioctl(): between a guest and its monitor a call and a return cost more
 * than elsewhere, see vmm/io/bus.h.
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
