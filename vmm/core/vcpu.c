#include "vmm/core/vcpu.h"

#include "vmm/core/kick.h"
#include "vmm/core/machine.h"

#include <errno.h>
#include <string.h>

void vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id)
{
    /* A vCPU that is made again for another boot keeps the members that any thread may read. */
    if (vcpu->machine != machine || vcpu->id != id) {
        vcpu->machine = machine;
        vcpu->id = id;
    }
    memset(&vcpu->fd, 0, sizeof(*vcpu) - offsetof(struct vcpu, fd));
    vcpu->fd = -1;
    pthread_mutex_init(&vcpu->kick_lock, NULL);
}

int vcpu_create(struct vcpu *vcpu, union kvm_cpuid_table *cpuid, struct error *error)
{
    const struct kvm *kvm = &vcpu->machine->kvm;
    int result = kvm_create_vcpu(kvm, vcpu->id, &vcpu->fd, &vcpu->run, error);

    if (result < 0)
        return result;
    vcpu->run_size = kvm->run_size;
    result = kvm_set_cpuid(vcpu->fd, cpuid, error);
    if (result == 0 && vcpu->machine->irqs.needed)
        result = kvm_list_apic(vcpu->fd, error);
    return result;
}

void vcpu_finish(struct vcpu *vcpu)
{
    vcpu_drop_work(vcpu);
    if (vcpu->fd >= 0)
        kvm_destroy_vcpu(&vcpu->machine->kvm, vcpu->fd, vcpu->run);
    pthread_mutex_destroy(&vcpu->kick_lock);
    vcpu->fd = -1;
    vcpu->run = NULL;
}

int vcpu_set_start(struct vcpu *vcpu, const struct x86_start *start, uint64_t root,
                   struct error *error)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_special_registers(vcpu->fd, &sregs, error);

    if (result < 0)
        return result;
    x86_set_start(start, root, &regs, &sregs);
    result = kvm_set_special_registers(vcpu->fd, &sregs, error);
    if (result == 0)
        result = kvm_set_registers(vcpu->fd, &regs, error);
    return result;
}

/* Set in KVM the registers that were changed in the run page, when no KVM_RUN follows to do so. */
static int settle(struct vcpu *vcpu, struct error *error)
{
    struct kvm_run *run = vcpu->run;

    if (!(run->kvm_dirty_regs & KVM_SYNC_X86_REGS))
        return 0;
    run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_REGS;
    return kvm_set_registers(vcpu->fd, &run->s.regs.regs, error);
}

int vcpu_fetch_registers(struct vcpu *vcpu, struct error *error)
{
    struct kvm_sync_regs *registers = &vcpu->run->s.regs;
    int result = settle(vcpu, error);

    if (result == 0)
        result = kvm_get_registers(vcpu->fd, &registers->regs, error);
    if (result == 0)
        result = kvm_get_special_registers(vcpu->fd, &registers->sregs, error);
    vcpu->registers_valid = result == 0;
    return result;
}

bool vcpu_sleeps_for_ever(struct vcpu *vcpu)
{
    struct kvm_vcpu_events events;
    struct kvm_mp_state state;

    if (kvm_get_mp_state(vcpu->fd, &state, NULL) < 0 ||
        kvm_get_events(vcpu->fd, &events, NULL) < 0 || events.nmi.pending || events.nmi.injected)
        return false;
    /* In the first two states the vCPU waits for INIT and SIPI from another vCPU. */
    return state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
           state.mp_state == KVM_MP_STATE_INIT_RECEIVED ||
           (state.mp_state == KVM_MP_STATE_HALTED && !vcpu->run->if_flag);
}

void vcpu_kick(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->kick_lock);
    if (vcpu->run)
        vcpu_set_immediate_exit(vcpu, true);
    if (vcpu->in_thread)
        pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
    if (vcpu->has_stepper)
        pthread_kill(vcpu->stepper, VCPU_KICK_SIGNAL);
    pthread_mutex_unlock(&vcpu->kick_lock);
}

/* The index of the work with the function (run), or work_count. The lock is held. */
static unsigned find_work(const struct vcpu *vcpu, void (*run)(struct vcpu *vcpu, void *argument))
{
    unsigned at = 0;

    while (at < vcpu->work_count && vcpu->works[at].run != run)
        at++;
    return at;
}

int vcpu_add_work(struct vcpu *vcpu, const struct vcpu_work *work)
{
    int result = -EBUSY;

    pthread_mutex_lock(&vcpu->kick_lock);
    if (vcpu->work_count < VCPU_WORKS && find_work(vcpu, work->run) == vcpu->work_count) {
        vcpu->works[vcpu->work_count++] = *work;
        atomic_store(&vcpu->has_work, true);
        result = 0;
    }
    pthread_mutex_unlock(&vcpu->kick_lock);
    return result;
}

bool vcpu_find_work(struct vcpu *vcpu, void (*run)(struct vcpu *vcpu, void *argument),
                    void **argument)
{
    unsigned at;
    bool found;

    pthread_mutex_lock(&vcpu->kick_lock);
    at = find_work(vcpu, run);
    found = at < vcpu->work_count;
    if (found && argument)
        *argument = vcpu->works[at].argument;
    pthread_mutex_unlock(&vcpu->kick_lock);
    return found;
}

/* Remove the first work and copy it; false: no work waits. */
static bool take_work(struct vcpu *vcpu, struct vcpu_work *work)
{
    bool found;

    pthread_mutex_lock(&vcpu->kick_lock);
    found = vcpu->work_count > 0;
    if (found) {
        *work = vcpu->works[0];
        vcpu->work_count--;
        memmove(&vcpu->works[0], &vcpu->works[1], vcpu->work_count * sizeof(*work));
        atomic_store(&vcpu->has_work, vcpu->work_count > 0);
    }
    pthread_mutex_unlock(&vcpu->kick_lock);
    return found;
}

void vcpu_run_work(struct vcpu *vcpu)
{
    struct vcpu_work work;

    while (take_work(vcpu, &work))
        work.run(vcpu, work.argument);
}

void vcpu_drop_work(struct vcpu *vcpu)
{
    struct vcpu_work work;

    while (take_work(vcpu, &work))
        if (work.drop)
            work.drop(work.argument);
}
