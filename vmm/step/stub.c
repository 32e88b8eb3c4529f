#include "vmm/step/stub.h"

#include "vmm/core/callback.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <string.h>

#define WRONG_TIME (-22) /* the guest's -EINVAL */

/* A callback in progress. */
struct visit {
    struct vcpu *vcpu;
    bool before; /* for callback_leave() */
};

static struct visit enter(struct stub *stub, struct vcpu *vcpu)
{
    pthread_mutex_lock(&stub->lock);
    return (struct visit){.vcpu = vcpu, .before = callback_enter(vcpu, true)};
}

static void leave(struct stub *stub, const struct visit *visit)
{
    callback_leave(visit->vcpu, visit->before);
    pthread_mutex_unlock(&stub->lock);
}

static struct minivmm_vcpu *handle_of(struct vcpu *vcpu)
{
    return (struct minivmm_vcpu *)vcpu;
}

bool stub_is_plain(const struct stub *stub)
{
    const struct minivmm_stub *type = stub ? stub->type : NULL;

    return !type || (!type->attach && !type->detach && !type->ptlcall && !type->command &&
                     !type->marker && !type->simulate && !type->native && !type->step);
}

/* ---- Attaching and detaching ---- */

/* Report the stub's own sentence, or (reason) if it has none. */
static int refuse(const struct stub *stub, int code, const char *what,
                  const struct minivmm_error *reason, struct error *error)
{
    const int length = (int)strnlen(reason->text, sizeof(reason->text));

    if (length > 0)
        return error_set(error, code, "%.*s", length, reason->text);
    return error_set(error, code, "stub %s: %s: %s", stub->type->name, what, strerror(-code));
}

/* A stub may return any value: one that is not a negative errno counts as success. */
static int checked(int result)
{
    return result > 0 || result < -4095 ? -EINVAL : result;
}

static int call_attach(struct stub *stub, struct error *error)
{
    const struct visit visit = enter(stub, &stub->machine->vcpus[0]);
    struct minivmm_error reason = {0};
    const int result =
        checked(stub->type->attach(stub->handle, stub->options, &stub->state, &reason));

    leave(stub, &visit);
    return result < 0 ? refuse(stub, result, "it refuses the machine", &reason, error) : 0;
}

int stub_attach(struct stub *stub, struct machine *machine, struct minivmm_machine *handle,
                struct error *error)
{
    struct stepping *stepping = stepping_of(machine);
    const struct stub_session resumed = stepping->resumed;
    int result = 0;

    stub->handle = handle;
    stub->machine = machine;
    stub->state = NULL;
    stub->session = (struct stub_session){0};
    stub->instructions = 0;
    atomic_store(&stub->on, false);
    stepping->stub = stub;
    if (stub->type->attach)
        result = call_attach(stub, error);
    if (result < 0) {
        stepping->stub = NULL;
        stub->machine = NULL;
        return result;
    }
    stepping->resumed = (struct stub_session){0};
    if (resumed.simulating)
        stub_switch(stub, &machine->vcpus[0], true, &resumed);
    return 0;
}

static void set_flag(const struct stub_session *session, bool on)
{
    if (session->simulating)
        __atomic_store_n(session->simulating, on, __ATOMIC_SEQ_CST);
}

/* Simulation is on, and the lock is held. */
static void go_native(struct stub *stub, struct vcpu *vcpu)
{
    const struct visit visit = enter(stub, vcpu);

    atomic_store(&stub->on, false);
    set_flag(&stub->session, false);
    stub->session = (struct stub_session){0};
    if (stub->type->native)
        stub->type->native(stub->state, handle_of(vcpu));
    leave(stub, &visit);
}

void stub_detach(struct stub *stub)
{
    if (!stub->machine)
        return;
    /* The run page may hold values of an exit before the last KVM_RUN. */
    stub->machine->vcpus[0].registers_valid = false;
    if (atomic_load(&stub->on)) {
        /* The guest's flag stays set: a checkpoint may follow. */
        stub->session = (struct stub_session){0};
        go_native(stub, &stub->machine->vcpus[0]);
    }
    if (stub->type->detach) {
        const struct visit visit = enter(stub, &stub->machine->vcpus[0]);

        stub->type->detach(stub->state);
        leave(stub, &visit);
    }
    stepping_of(stub->machine)->stub = NULL;
    stub->machine = NULL;
    stub->state = NULL;
}

/* ---- Calls ---- */

bool stub_takes_calls(const struct stub *stub)
{
    return stub && stub->type->ptlcall;
}

int64_t stub_call(struct stub *stub, struct minivmm_call *call,
                  int64_t (*call_default)(void *opaque), void *opaque)
{
    struct visit visit;
    int64_t result;

    if (!stub_takes_calls(stub))
        return call_default(opaque);
    visit = enter(stub, (struct vcpu *)call->vcpu);
    stub->call = *call;
    stub->call_default = call_default;
    stub->call_opaque = opaque;
    result = stub->type->ptlcall(stub->state, &stub->call);
    stub->call_default = NULL;
    leave(stub, &visit);
    return result;
}

int64_t stub_call_default(struct minivmm_call *call)
{
    struct vcpu *vcpu = (struct vcpu *)call->vcpu;
    struct stub *stub = stub_of(vcpu->machine);
    int64_t (*call_default)(void *opaque);

    /* In a callback of this vCPU, its thread has the lock. */
    if (!stub || !callback_is_here(vcpu) || call != &stub->call || !stub->call_default) {
        machine_notice(
            vcpu->machine,
            "stub%s%s: minivmm_call_default() can be called once in each ptlcall(); nothing was "
            "done",
            stub ? " " : "", stub ? stub->type->name : "");
        return WRONG_TIME;
    }
    call_default = stub->call_default;
    stub->call_default = NULL;
    return call_default(stub->call_opaque);
}

const char *stub_command(struct stub *stub, struct vcpu *vcpu,
                         const struct minivmm_command *command)
{
    struct visit visit;
    const char *effect;

    if (!stub || !stub->type->command)
        return NULL;
    visit = enter(stub, vcpu);
    effect = stub->type->command(stub->state, handle_of(vcpu), command);
    leave(stub, &visit);
    return effect;
}

void stub_marker(struct stub *stub, struct vcpu *vcpu, uint64_t id)
{
    struct visit visit;

    if (!stub || !stub->type->marker)
        return;
    visit = enter(stub, vcpu);
    stub->type->marker(stub->state, handle_of(vcpu), id);
    leave(stub, &visit);
}

/* ---- Simulation ---- */

/* All vCPUs check stub_steps() between two instructions; this one completes an exit first. */
static void bring_to_step(const struct stub *stub, struct vcpu *vcpu)
{
    const struct machine *machine = stub->machine;

    for (unsigned id = 0; id < machine->vcpu_count; id++)
        if (&machine->vcpus[id] != vcpu)
            vcpu_kick(&machine->vcpus[id]);
    if (vcpu->run)
        vcpu_set_immediate_exit(vcpu, true);
}

static bool call_simulate(struct stub *stub, struct vcpu *vcpu)
{
    struct minivmm_error reason = {0};
    struct error error;
    struct visit visit;
    int result;

    if (!stub->type->simulate)
        return true;
    visit = enter(stub, vcpu);
    result = checked(stub->type->simulate(stub->state, handle_of(vcpu), &reason));
    leave(stub, &visit);
    if (result == 0)
        return true;
    refuse(stub, result, "it refuses to simulate", &reason, &error);
    machine_notice(stub->machine, "%s; simulation stays off", error.text);
    return false;
}

static bool go_on(struct stub *stub, struct vcpu *vcpu, const struct stub_session *session)
{
    if (!atomic_load(&stub->on)) {
        if (!call_simulate(stub, vcpu)) {
            set_flag(session, false);
            return false;
        }
        atomic_store(&stub->on, true);
        if (stub->type->step)
            bring_to_step(stub, vcpu);
    }
    if (stub->session.simulating != session->simulating)
        set_flag(&stub->session, false);
    stub->session = *session;
    set_flag(session, true);
    return true;
}

bool stub_switch(struct stub *stub, struct vcpu *vcpu, bool on, const struct stub_session *session)
{
    bool done = true;

    if (stub_is_plain(stub)) {
        set_flag(session, on);
        return true;
    }
    pthread_mutex_lock(&stub->lock);
    if (on)
        done = go_on(stub, vcpu, session);
    else if (atomic_load(&stub->on) && stub->session.simulating == session->simulating)
        go_native(stub, vcpu);
    else
        set_flag(session, false);
    pthread_mutex_unlock(&stub->lock);
    return done;
}

void stub_resume(struct machine *machine, const struct stub_session *session)
{
    struct stepping *stepping = stepping_of(machine);

    if (stepping)
        stepping->resumed = *session;
}

bool stub_steps(const struct stub *stub)
{
    return stub && stub->type->step && atomic_load(&stub->on);
}

void stub_give_up(struct stub *stub, struct vcpu *vcpu, const char *reason)
{
    pthread_mutex_lock(&stub->lock);
    if (atomic_load(&stub->on)) {
        machine_notice(stub->machine, "stub %s: %s; simulation is off", stub->type->name, reason);
        go_native(stub, vcpu);
    }
    pthread_mutex_unlock(&stub->lock);
}

/* step() returned an unknown value, or MINIVMM_NATIVE. */
static void end_steps(struct stub *stub, struct vcpu *vcpu, enum minivmm_next next)
{
    const struct stub_session session = stub->session;
    const bool ends =
        session.kill_after_run && __atomic_load_n(session.kill_after_run, __ATOMIC_SEQ_CST);

    if (next != MINIVMM_NATIVE)
        machine_notice(stub->machine,
                       "stub %s: step() gave %d, which is neither MINIVMM_STEP nor MINIVMM_NATIVE; "
                       "simulation is off",
                       stub->type->name, (int)next);
    go_native(stub, vcpu);
    if (ends)
        machine_stop(stub->machine, OUTCOME_GUEST);
}

enum minivmm_next stub_step(struct stub *stub, struct vcpu *vcpu, uint64_t address, unsigned bits)
{
    struct minivmm_instruction instruction = {.address = address, .bits = bits};
    enum minivmm_next next = MINIVMM_NATIVE;
    struct visit visit = enter(stub, vcpu);

    /* Another vCPU may have turned it off meanwhile. */
    if (atomic_load(&stub->on)) {
        instruction.number = stub->instructions + 1;
        next = stub->type->step(stub->state, handle_of(vcpu), &instruction);
        if (next == MINIVMM_STEP)
            stub->instructions++;
        else
            end_steps(stub, vcpu, next);
    }
    leave(stub, &visit);
    return next == MINIVMM_STEP ? MINIVMM_STEP : MINIVMM_NATIVE;
}
