#include "vmm/core/kvm.h"

#include "vmm/base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Capabilities that the monitor requires. */
static const struct {
    int capability;
    const char *name;
} needed[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

/* Three pages below the BIOS, where this machine has no RAM or device; Intel SDM 25.3. */
#define UNPAGED_TSS      0xfffbd000ul
#define UNPAGED_IDENTITY 0xfffbc000ull

/* DR7 with the first execution breakpoint enabled; Intel SDM volume 3B, 18.2.4. */
#define DR7_FIRST 0x402

int kvm_call(int fd, unsigned long request, const char *name, void *argument, struct error *error)
{
    int result = ioctl(fd, request, argument);

    if (result >= 0)
        return result;
    return error_set(error, -errno, "%s: %s", name, strerror(errno));
}

void kvm_init(struct kvm *kvm)
{
    *kvm = (struct kvm){.system_fd = -1, .vm_fd = -1};
}

static int open_error(const char *path, int code, struct error *error)
{
    static const struct {
        int code;
        const char *mend;
    } mends[] = {
        {ENOENT, "load the module kvm_intel or kvm_amd, or turn on virtualisation in the firmware"},
        {ENODEV, "load the module kvm_intel or kvm_amd, or turn on virtualisation in the firmware"},
        {EACCES, "add yourself to its group (usually kvm) and log in again"},
        {EPERM, "add yourself to its group (usually kvm) and log in again"},
    };

    for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
        if (mends[i].code == code)
            return error_set(error, -code, "%s: %s; %s", path, strerror(code), mends[i].mend);
    return error_set(error, -code, "%s: %s", path, strerror(code));
}

static int check_system(const struct kvm *kvm, const char *path, struct error *error)
{
    int version = ioctl(kvm->system_fd, KVM_GET_API_VERSION, 0);

    if (version < 0)
        return error_set(error, -ENOTTY,
                         "%s: KVM_GET_API_VERSION: %s; this is no KVM device: put the host's %s "
                         "there",
                         path, strerror(errno), KVM_DEVICE);
    if (version != KVM_API_VERSION)
        return error_set(error, -EPROTO,
                         "%s: KVM API version %d, but minivmm needs %d; use a "
                         "kernel from 2.6.22 on",
                         path, version, KVM_API_VERSION);
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (ioctl(kvm->system_fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
            return error_set(error, -EOPNOTSUPP, "%s: this kernel lacks %s; use a newer one", path,
                             needed[i].name);
    return 0;
}

static int check_vm(struct kvm *kvm, struct error *error)
{
    int size = KVM_CALL(kvm->system_fd, KVM_GET_VCPU_MMAP_SIZE, NULL, error);
    int sync = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    int vcpus = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
    int slots = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);

    if (size < 0)
        return size;
    kvm->run_size = (size_t)size;
    kvm->sync_registers = sync > 0 ? (uint64_t)sync : 0;
    kvm->vcpus_max = vcpus > 0 ? (unsigned)vcpus : 4;  /* 4: Documentation/virt/kvm/api.rst 4.7 */
    kvm->slots_max = slots > 0 ? (unsigned)slots : 32; /* 32: the limit of old kernels */
    kvm->readonly_slots = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) > 0;
    return 0;
}

int kvm_open(struct kvm *kvm, const char *path, struct error *error)
{
    int result;

    kvm_init(kvm);
    kvm->system_fd = open(path, O_RDWR | O_CLOEXEC);
    if (kvm->system_fd < 0)
        return open_error(path, errno, error);

    result = check_system(kvm, path, error);
    if (result == 0) {
        /* EINTR: a signal arrived while KVM made it. */
        do
            result = KVM_CALL(kvm->system_fd, KVM_CREATE_VM, NULL, error);
        while (result == -EINTR);
    }
    if (result >= 0) {
        kvm->vm_fd = result;
        result = check_vm(kvm, error);
    }
    if (result < 0)
        kvm_close(kvm);
    return result;
}

void kvm_close(struct kvm *kvm)
{
    descriptor_close(&kvm->vm_fd);
    descriptor_close(&kvm->system_fd);
    kvm_init(kvm);
}

static int set_slot(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                    uint32_t flags, struct error *error)
{
    struct kvm_userspace_memory_region region = {
        .slot = number,
        .flags = flags,
        .guest_phys_addr = slot->base.value,
        .memory_size = slot->size,
        .userspace_addr = (uintptr_t)slot->host,
    };

    return KVM_CALL(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region, error);
}

int kvm_set_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                   struct error *error)
{
    return set_slot(kvm, number, slot, 0, error);
}

int kvm_set_readonly_memory(const struct kvm *kvm, unsigned number, const struct memory_slot *slot,
                            struct error *error)
{
    if (!kvm->readonly_slots)
        return error_set(error, -EOPNOTSUPP,
                         "this kernel lacks KVM_CAP_READONLY_MEM; use a newer one");
    return set_slot(kvm, number, slot, KVM_MEM_READONLY, error);
}

int kvm_delete_memory(const struct kvm *kvm, unsigned number, struct error *error)
{
    const struct memory_slot none = {.size = 0};

    return set_slot(kvm, number, &none, 0, error);
}

/* ELCR: level-triggered inputs of the second PIC, which has inputs 8 to 15. */
static int set_level_triggered(const struct kvm *kvm, struct error *error)
{
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};
    int result = KVM_CALL(kvm->vm_fd, KVM_GET_IRQCHIP, &chip, error);

    if (result < 0)
        return result;
    chip.chip.pic.elcr = 1u << (10 - 8) | 1u << (11 - 8);
    return KVM_CALL(kvm->vm_fd, KVM_SET_IRQCHIP, &chip, error);
}

int kvm_create_irqchip(const struct kvm *kvm, struct error *error)
{
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    int result;

    if (ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP) <= 0)
        return error_set(error, -EOPNOTSUPP,
                         "this kernel lacks KVM_CAP_IRQCHIP; use one vCPU, and no --irqchip");
    result = KVM_CALL(kvm->vm_fd, KVM_CREATE_IRQCHIP, NULL, error);
    if (result == 0)
        result = KVM_CALL(kvm->vm_fd, KVM_CREATE_PIT2, &pit, error);
    if (result == 0)
        result = set_level_triggered(kvm, error);
    return result;
}

void kvm_set_irq_line(const struct kvm *kvm, unsigned gsi, bool level)
{
    struct kvm_irq_level line = {.irq = gsi, .level = level};

    ioctl(kvm->vm_fd, KVM_IRQ_LINE, &line);
}

void kvm_send_msi(const struct kvm *kvm, uint64_t address, uint32_t data)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)address,
                          .address_hi = (uint32_t)(address >> 32),
                          .data = data};

    ioctl(kvm->vm_fd, KVM_SIGNAL_MSI, &msi);
}

int kvm_add_port_event(const struct kvm *kvm, uint16_t port, int event, struct error *error)
{
    struct kvm_ioeventfd doorbell = {
        .addr = port,
        .len = 0, /* any length */
        .fd = event,
        .flags = KVM_IOEVENTFD_FLAG_PIO,
    };

    if (ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH) <= 0)
        return error_set(error, -EOPNOTSUPP,
                         "this kernel lacks KVM_CAP_IOEVENTFD_ANY_LENGTH; use a newer one");
    return KVM_CALL(kvm->vm_fd, KVM_IOEVENTFD, &doorbell, error);
}

int kvm_set_unpaged_room(const struct kvm *kvm, struct error *error)
{
    uint64_t identity = UNPAGED_IDENTITY;
    int result = 0;

    if (ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
        result = KVM_CALL(kvm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity, error);
    if (result == 0 && ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
        ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, UNPAGED_TSS) < 0)
        result = error_set(error, -errno, "KVM_SET_TSS_ADDR: %s", strerror(errno));
    return result;
}

int kvm_set_msr_exits(const struct kvm *kvm, const struct msr_table *msrs, struct error *error)
{
    struct kvm_enable_cap exits = {
        .cap = KVM_CAP_X86_USER_SPACE_MSR,
        .args = {KVM_MSR_EXIT_REASON_FILTER},
    };
    uint64_t denied = 0; /* a bit for each MSR of a claim: a zero keeps KVM from serving it */
    struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
    int result;

    _Static_assert(MSR_CLAIM_MAX <= 8 * sizeof(denied), "a claim fits the bitmap");
    _Static_assert(MSR_CLAIMS <= KVM_MSR_FILTER_MAX_RANGES, "each claim has a range");
    if (ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_USER_SPACE_MSR) <= 0 ||
        ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER) <= 0)
        return error_set(error, -EOPNOTSUPP,
                         "this kernel lacks KVM_CAP_X86_MSR_FILTER; use a newer one");
    for (unsigned i = 0; i < msrs->count; i++)
        filter.ranges[i] = (struct kvm_msr_filter_range){
            .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
            .nmsrs = msrs->claims[i].last - msrs->claims[i].first + 1,
            .base = msrs->claims[i].first,
            .bitmap = (uint8_t *)&denied,
        };
    result = KVM_CALL(kvm->vm_fd, KVM_ENABLE_CAP, &exits, error);
    if (result == 0)
        result = KVM_CALL(kvm->vm_fd, KVM_X86_SET_MSR_FILTER, &filter, error);
    return result;
}

int kvm_get_supported_cpuid(const struct kvm *kvm, union kvm_cpuid_table *table,
                            struct error *error)
{
    memset(&table->header, 0, sizeof(table->header));
    table->header.nent = KVM_CPUID_MAX;
    return KVM_CALL(kvm->system_fd, KVM_GET_SUPPORTED_CPUID, &table->header, error);
}

int kvm_create_vcpu(const struct kvm *kvm, unsigned id, int *fd, struct kvm_run **run,
                    struct error *error)
{
    void *page;

    *fd = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
    if (*fd < 0)
        return error_set(error, -errno, "KVM_CREATE_VCPU: vCPU %u: %s; give a lower --cpus", id,
                         strerror(errno));
    page = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (page == MAP_FAILED) {
        int code = errno;

        close(*fd);
        *fd = -1;
        return error_set(error, -code, "the run page of vCPU %u: %s", id, strerror(code));
    }
    *run = page;
    return 0;
}

void kvm_destroy_vcpu(const struct kvm *kvm, int fd, struct kvm_run *run)
{
    munmap(run, kvm->run_size);
    close(fd);
}

int kvm_set_cpuid(int vcpu_fd, union kvm_cpuid_table *table, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_SET_CPUID2, &table->header, error);
}

int kvm_list_apic(int vcpu_fd, struct error *error)
{
    struct kvm_lapic_state state;
    int result = KVM_CALL(vcpu_fd, KVM_GET_LAPIC, &state, error);

    if (result == 0)
        result = KVM_CALL(vcpu_fd, KVM_SET_LAPIC, &state, error);
    return result;
}

int kvm_get_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_GET_REGS, regs, error);
}

int kvm_set_registers(int vcpu_fd, struct kvm_regs *regs, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_SET_REGS, regs, error);
}

int kvm_get_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_GET_SREGS, sregs, error);
}

int kvm_set_special_registers(int vcpu_fd, struct kvm_sregs *sregs, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_SET_SREGS, sregs, error);
}

int kvm_get_mp_state(int vcpu_fd, struct kvm_mp_state *state, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_GET_MP_STATE, state, error);
}

int kvm_get_events(int vcpu_fd, struct kvm_vcpu_events *events, struct error *error)
{
    return KVM_CALL(vcpu_fd, KVM_GET_VCPU_EVENTS, events, error);
}

int kvm_set_single_step(int vcpu_fd, bool on, const uint64_t *breakpoint, struct error *error)
{
    struct kvm_guest_debug debug = {
        .control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
    };

    if (breakpoint) {
        debug.control |= KVM_GUESTDBG_USE_HW_BP;
        debug.arch.debugreg[0] = *breakpoint;
        debug.arch.debugreg[7] = DR7_FIRST;
    }
    return KVM_CALL(vcpu_fd, KVM_SET_GUEST_DEBUG, &debug, error);
}

int kvm_run_vcpu(int vcpu_fd)
{
    return ioctl(vcpu_fd, KVM_RUN, 0) < 0 ? -errno : 0;
}
