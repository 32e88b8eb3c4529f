#include "vmm/step/step_runner.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/step/step.h"
#include "vmm/step/step_code.h"
#include "vmm/step/stub.h"

#include <errno.h>

/* Was the stub asked about the instruction at (address), which continues? */
static bool goes_on(struct vcpu *vcpu, const struct step *step, uint64_t address)
{
    return step->any && step->address == address && (step->asked || step_decode(vcpu).repeats);
}

bool step_ask(struct vcpu *vcpu)
{
    struct stub *stub = stub_of(vcpu->machine);
    struct step *step = step_of(vcpu);
    struct error error;

    if (!vcpu->registers_valid && vcpu_fetch_registers(vcpu, &error) < 0) {
        stub_give_up(stub, vcpu, error.text);
        return false;
    }
    if (goes_on(vcpu, step, step_address(vcpu)))
        return true;
    step->any = step->asked = false;
    if (stub_step(stub, vcpu, step_address(vcpu), x86_code_bits(vcpu_special_registers(vcpu))) !=
        MINIVMM_STEP)
        return false;
    /* The stub may have changed the registers, even RIP. */
    vcpu_return_registers(vcpu);
    step->any = step->asked = true;
    step->address = step_address(vcpu);
    return true;
}

/* Start or end stepping. */
static void set_stepping(struct vcpu *vcpu, const struct step *step, bool steps)
{
    struct error error;
    int result;

    vcpu->registers_valid = false;
    if (steps == step->on)
        return;
    result = steps ? step_begin(vcpu, &error) : step_end(vcpu, &error);
    if (result < 0)
        stub_give_up(stub_of(vcpu->machine), vcpu, error.text);
}

/* A vCPU that waits for its start is stepped once it has started. */
static bool takes(struct vcpu *vcpu)
{
    const bool steps = stub_steps(stub_of(vcpu->machine));
    struct step *step = step_of(vcpu);

    if (step->on || steps)
        set_stepping(vcpu, step, steps);
    if (step->on && step_is_possible(vcpu))
        return true;
    step->any = false;
    return false;
}

/*
 * One instruction, before which the stub is asked. Kicks are answered first: a kick may end
 * stepping.
 */
static int run(struct vcpu *vcpu)
{
    int result;

    if (vcpu_is_kicked(vcpu))
        return -EINTR;
    if (!step_ask(vcpu))
        return -EINTR;
    if (machine_outcome(vcpu->machine) != OUTCOME_NONE)
        return 0;
    result = step_one(vcpu, &vcpu->failure);
    return result > 0 ? 0 : result;
}

const struct vcpu_runner step_runner = {.takes = takes, .run = run};
