/*
 * A stub: it answers an op of its own, 100, with the sum of two arguments, and tells how many instructions
 * the guest ran between -run and -stop.
 *
 *     cc -shared -fPIC -o stub.so stub.c $(pkg-config --cflags minivmm)
 *     minivmm --stub ./stub.so guest.bin
 */
#include <errno.h>
#include <minivmm.h>
#include <stdlib.h>

static int attach(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *error)
{
    (void)machine;
    (void)options;
    *state = calloc(1, sizeof(uint64_t));
    return *state ? 0 : minivmm_error_set(error, -ENOMEM, "no memory for the counter");
}

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
    (void)vcpu;
    *(uint64_t *)state = instruction->number;
    return MINIVMM_STEP;
}

static void native(void *state, struct minivmm_vcpu *vcpu)
{
    minivmm_notice(minivmm_vcpu_machine(vcpu), "%llu instructions so far",
                   (unsigned long long)*(uint64_t *)state);
}

const struct minivmm_stub minivmm_stub = {
    .abi = MINIVMM_ABI,
    .name = "example",
    .attach = attach,
    .detach = free,
    .ptlcall = ptlcall,
    .step = step,
    .native = native,
};
