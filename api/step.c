/* Stepping one instruction on the owner's thread, while the machine rests. */
#include "api/access.h"
#include "api/result.h"

#include "vmm/core/kick.h"
#include "vmm/step/step.h"
#include "vmm/step/step_runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 1000000 /* how long a halted vCPU waits for an interrupt */

static int check_step(struct minivmm_machine *machine, struct vcpu *vcpu,
                      struct minivmm_error *error)
{
    int result;

    if (api_in_callback(machine))
        return api_refuse(error, -EBUSY,
                          "a callback cannot step a vCPU; call minivmm_step() outside of it");
    result = api_check_access(machine, vcpu, error);
    if (result == 0 && (atomic_load(&machine->state) == HANDLE_ENDED ||
                        machine_outcome(&machine->machine) != OUTCOME_NONE))
        result = api_refuse(error, -EINVAL,
                            "the guest has ended; make another machine to step it again");
    return result;
}

static bool has_halted(const struct vcpu *vcpu)
{
    struct kvm_mp_state state;

    return vcpu->machine->irqs.needed && kvm_get_mp_state(vcpu->fd, &state, NULL) == 0 &&
           state.mp_state == KVM_MP_STATE_HALTED;
}

/* A kick is meant for the vCPU's own thread, which finds its cause when it continues: see step_end(). */
static int step_through_kicks(struct vcpu *vcpu, bool halted, struct error *error)
{
    const struct minivmm_machine *machine = machine_handle(vcpu->machine);

    for (;;) {
        const int result = step_one(vcpu, error);

        if (result != -EINTR)
            return result;
        if (machine_outcome(vcpu->machine) != OUTCOME_NONE)
            return 1;
        /* In a run this is the end, which minivmm_stop() is about to record. */
        if (atomic_load(&machine->stopped) && atomic_load(&machine->state) == HANDLE_RUNNING)
            return 1;
        if (atomic_load(&machine->stopped))
            return error_set(error, -EINTR,
                             "minivmm_stop() came before the instruction of vCPU %u was over",
                             vcpu->id);
        if (halted && has_halted(vcpu))
            return -EAGAIN;
        vcpu_set_immediate_exit(vcpu, false);
    }
}

/* Only KVM knows whether an interrupt is pending: a timer ends KVM_RUN after a short time. */
static int step_halted(struct vcpu *vcpu, struct error *error)
{
    const struct itimerspec moment = {.it_value.tv_nsec = WAIT_NS, .it_interval.tv_nsec = WAIT_NS};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = VCPU_KICK_SIGNAL};
    timer_t timer;
    int result;

    if (!kick_is_installed())
        return -EAGAIN;
    event._sigev_un._tid = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
        return error_set(error, -errno, "a timer to step a vCPU that has halted: %s",
                         strerror(errno));
    timer_settime(timer, 0, &moment, NULL);
    result = step_through_kicks(vcpu, true, error);
    timer_delete(timer);
    return result;
}

/* Kicks also reach the calling thread; without a handler they would end the process. */
static void set_stepper(struct vcpu *vcpu, bool steps)
{
    const bool has_stepper = steps && kick_is_installed();

    pthread_mutex_lock(&vcpu->kick_lock);
    vcpu->stepper = pthread_self();
    vcpu->has_stepper = has_stepper;
    pthread_mutex_unlock(&vcpu->kick_lock);
}

static int step_here(struct vcpu *vcpu, struct error *error)
{
    sigset_t mask;
    int result;

    kick_unblock(&mask);
    set_stepper(vcpu, true);
    result = has_halted(vcpu) ? step_halted(vcpu, error) : step_through_kicks(vcpu, false, error);
    set_stepper(vcpu, false);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return result;
}

/* Call a stub that steps. */
static int step(struct vcpu *vcpu, struct error *error)
{
    int result = step_begin(vcpu, error), ended;

    if (result < 0)
        return result;
    if (stub_steps(stub_of(vcpu->machine)))
        step_ask(vcpu);
    result = step_here(vcpu, error);
    ended = step_end(vcpu, result < 0 ? NULL : error);
    return result >= 0 && ended < 0 ? ended : result;
}

int minivmm_step(struct minivmm_vcpu *handle, struct minivmm_error *error)
{
    struct vcpu *vcpu = vcpu_behind(handle);
    struct error failure;
    int result;

    if (!handle)
        return api_refuse(error, -EINVAL,
                          "there is no such vCPU; minivmm_vcpu() gives those that are");
    result = check_step(minivmm_vcpu_machine(handle), vcpu, error);
    if (result < 0)
        return result;
    if (atomic_load(&minivmm_vcpu_machine(handle)->state) == HANDLE_LOADED)
        atomic_store(&minivmm_vcpu_machine(handle)->stopped, false);
    result = step_is_possible(vcpu) ? step(vcpu, &failure) : -EAGAIN;
    if (result == -EAGAIN)
        return api_refuse(error, result,
                          "vCPU %u waits for an interrupt or for its start; let the others go on",
                          vcpu->id);
    if (result == -EINTR)
        return api_fail(error, MINIVMM_INTERRUPTED, result, &failure);
    return result < 0 ? api_fail(error, MINIVMM_INTERNAL, result, &failure) : result;
}
