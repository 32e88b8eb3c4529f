/*
 * A stub: it answers an op of its own, 100, with the sum of two arguments, and writes a notice for each thousandth
 * instruction that the guest runs between -run and -stop.
 *
 *     cc -shared -fPIC -o stub.so stub.c $(pkg-config --cflags minivmm)
 *     minivmm --stub ./stub.so guest.bin
 */
#include <minivmm.h>

static int64_t ptlcall(void *state, struct minivmm_call *call)
{
    (void)state;
    if (call->op == 100)
        return (int64_t)(call->arguments[0] + call->arguments[1]);
    return minivmm_call_default(call);
}

static enum minivmm_next step(void *state, struct minivmm_vcpu *vcpu,
                              const struct minivmm_instruction *instruction)
{
    (void)state;
    if (instruction->number % 1000 == 0)
        minivmm_notice(minivmm_vcpu_machine(vcpu), "instruction %llu is at 0x%llx",
                       (unsigned long long)instruction->number,
                       (unsigned long long)instruction->address);
    return MINIVMM_STEP;
}

const struct minivmm_stub minivmm_stub = {
    .abi = MINIVMM_ABI,
    .name = "example",
    .ptlcall = ptlcall,
    .step = step,
};
