/*
 * floor [-s] [-i] [-t] [-d PORT] [-c VCPUS] [IMAGE]: the floor program, the least one that opens
 * /dev/kvm, starts a 64-bit guest by our boot contract with the host's CPUID, and loops on KVM_RUN. What
 * minivmm costs above it is minivmm's own.
 *
 * It knows two devices: the debug console, whose bytes go to stdout, and the port that ends the
 * guest; with -t the port of ptlcalls, too. All else costs it no more than the way back into the guest.
 */
#include "bench/floor_call.h"
#include "bench/floor_guest.h"
#include "guest/abi/ptlcall.h"
#include "vmm/core/kvm.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLOOR_VCPUS 2

#define CONSOLE_PORT 0xe9
#define EXIT_PORT    0xf4

struct floor_options {
    bool synced;       /* registers in the run page, and VERSION's answer put there */
    bool irqchip;      /* interrupt controllers in the kernel */
    bool stepped;      /* single-stepped from an OUT to the port of ptlcalls to the next one */
    int doorbell;      /* the port that is an ioeventfd; -1: none */
    unsigned vcpus;    /* more than one: with interrupt controllers */
    const char *image; /* flat; NULL: only print the rate of the time-stamp counter */
};

struct floor_vcpu {
    const struct floor_options *options;
    int fd;
    struct kvm_run *run;
    bool steps; /* KVM stops after each instruction */
};

/* The guest makes the ptlcalls -run and -stop in turn, so the command is not read. */
static void turn_steps(struct floor_vcpu *vcpu)
{
    struct kvm_guest_debug debug = {0};

    vcpu->steps = !vcpu->steps;
    if (vcpu->steps)
        debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    FLOOR_CALL(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

static void handle_io(struct floor_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    const size_t length = (size_t)run->io.size * run->io.count;

    if (run->io.direction == KVM_EXIT_IO_IN)
        memset(data, 0xff, length);
    else if (run->io.port == EXIT_PORT)
        _exit(*data & 0x7f);
    else if (run->io.port == CONSOLE_PORT && write(STDOUT_FILENO, data, length) < 0)
        floor_fail("stdout");
    else if (run->io.port == PTLCALL_DEFAULT_PORT && vcpu->options->stepped)
        turn_steps(vcpu);
}

static void handle_mmio(const struct floor_options *options, struct kvm_run *run)
{
    if (!run->mmio.is_write) {
        memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
    } else if (options->synced) {
        run->s.regs.regs.rax = PTLCALL_VERSION_NUMBER;
        run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
    }
}

static void *run_vcpu(void *argument)
{
    struct floor_vcpu *vcpu = argument;
    struct kvm_run *run = vcpu->run;

    for (;;) {
        const int result = kvm_run_vcpu_here(vcpu->fd); /* the system call as in minivmm */

        if (result < 0) {
            errno = -result;
            if (errno != EINTR && errno != EAGAIN)
                floor_fail("KVM_RUN");
        } else if (run->exit_reason == KVM_EXIT_IO) {
            handle_io(vcpu);
        } else if (run->exit_reason == KVM_EXIT_MMIO) {
            handle_mmio(vcpu->options, run);
        } else if (run->exit_reason != KVM_EXIT_DEBUG) {
            fprintf(stderr, "floor: KVM exit %u\n", run->exit_reason);
            exit(1);
        }
    }
}

static void make_vcpu(int system_fd, int vm_fd, unsigned id, struct floor_vcpu *vcpu)
{
    const size_t size = (size_t)FLOOR_CALL(system_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
    void *page;

    vcpu->fd = ioctl(vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
    if (vcpu->fd < 0)
        floor_fail("KVM_CREATE_VCPU");
    page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (page == MAP_FAILED)
        floor_fail("the run page");
    vcpu->run = page;
    floor_set_cpuid(system_fd, vcpu->fd, id);
    if (vcpu->options->synced)
        vcpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

static void make_memory(int vm_fd, const struct floor_options *options)
{
    uint8_t *memory = mmap(NULL, FLOOR_MEMORY, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct kvm_userspace_memory_region region = {
        .memory_size = FLOOR_MEMORY,
        .userspace_addr = (uintptr_t)memory,
    };

    if (memory == MAP_FAILED)
        floor_fail("the guest's memory");
    floor_fill_memory(memory, options->image, options->vcpus);
    FLOOR_CALL(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void make_doorbell(int vm_fd, int port)
{
    struct kvm_ioeventfd doorbell = {
        .addr = (uint64_t)port,
        .len = 1,
        .fd = eventfd(0, EFD_CLOEXEC),
        .flags = KVM_IOEVENTFD_FLAG_PIO,
    };

    FLOOR_CALL(vm_fd, KVM_IOEVENTFD, &doorbell);
}

/* KVM loses the INIT for the vCPU that was made last unless some local APIC is set after it. */
static void list_apic(int vcpu_fd)
{
    struct kvm_lapic_state state;

    FLOOR_CALL(vcpu_fd, KVM_GET_LAPIC, &state);
    FLOOR_CALL(vcpu_fd, KVM_SET_LAPIC, &state);
}

static void run_guest(int system_fd, const struct floor_options *options)
{
    const int vm_fd = FLOOR_CALL(system_fd, KVM_CREATE_VM, NULL);
    struct floor_vcpu vcpus[FLOOR_VCPUS];
    pthread_t thread;

    make_memory(vm_fd, options);
    if (options->irqchip || options->vcpus > 1)
        FLOOR_CALL(vm_fd, KVM_CREATE_IRQCHIP, NULL);
    if (options->doorbell >= 0)
        make_doorbell(vm_fd, options->doorbell);
    for (unsigned id = 0; id < options->vcpus; id++) {
        vcpus[id] = (struct floor_vcpu){.options = options};
        make_vcpu(system_fd, vm_fd, id, &vcpus[id]);
        if (options->vcpus > 1)
            list_apic(vcpus[id].fd);
    }
    floor_set_registers(vcpus[0].fd);
    if (options->vcpus > 1 && pthread_create(&thread, NULL, run_vcpu, &vcpus[1]) != 0)
        floor_fail("a thread");
    run_vcpu(&vcpus[0]);
}

/* "tsc_khz N", which guests count in. */
static void tell_rate(int system_fd)
{
    const int vm_fd = FLOOR_CALL(system_fd, KVM_CREATE_VM, NULL);
    const int vcpu_fd = FLOOR_CALL(vm_fd, KVM_CREATE_VCPU, NULL);

    printf("tsc_khz %d\n", FLOOR_CALL(vcpu_fd, KVM_GET_TSC_KHZ, NULL));
}

static int usage(void)
{
    fprintf(stderr, "usage: floor [-s] [-i] [-t] [-d PORT] [-c 1|2] [IMAGE]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct floor_options options = {.doorbell = -1, .vcpus = 1};
    int system_fd, letter;

    while ((letter = getopt(argc, argv, "sitd:c:")) != -1) {
        if (letter == 's')
            options.synced = true;
        else if (letter == 'i')
            options.irqchip = true;
        else if (letter == 't')
            options.stepped = true;
        else if (letter == 'd')
            options.doorbell = (int)strtol(optarg, NULL, 0);
        else if (letter == 'c')
            options.vcpus = (unsigned)strtoul(optarg, NULL, 0);
        else
            return usage();
    }
    if (options.vcpus < 1 || options.vcpus > FLOOR_VCPUS)
        return usage();
    options.image = argv[optind];
    system_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (system_fd < 0)
        floor_fail("/dev/kvm");
    if (!options.image)
        tell_rate(system_fd);
    else
        run_guest(system_fd, &options);
    return 0;
}
