/* Stubs that are wrong in one way each: compiled with -DWRONG_x. */
#include <errno.h>
#include <minivmm.h>

#ifdef WRONG_ABI
#define ABI (MINIVMM_ABI + 6)
#else
#define ABI MINIVMM_ABI
#endif

#ifdef WRONG_ATTACH
static int attach(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *error)
{
    (void)machine;
    (void)state;
    return minivmm_error_set(error, -EINVAL, "no simulator is at '%s'; start one",
                             options ? options : "");
}
#endif

#ifdef WRONG_SIMULATE
static int simulate(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error)
{
    (void)state;
    (void)vcpu;
    return minivmm_error_set(error, -EIO, "the model is not ready");
}
#endif

#ifdef WRONG_STEP
static enum minivmm_next step(void *state, struct minivmm_vcpu *vcpu,
                              const struct minivmm_instruction *instruction)
{
    (void)state;
    (void)vcpu;
    (void)instruction;
    return (enum minivmm_next)77;
}
#endif

#ifdef WRONG_TWICE
static int64_t ptlcall(void *state, struct minivmm_call *call)
{
    const int64_t result = minivmm_call_default(call);

    (void)state;
    return minivmm_call_default(call) == -EINVAL ? result : 99;
}
#endif

#ifdef WRONG_TIME
/* All that is not for callbacks is refused, and the guest does not notice. */
static int64_t ptlcall(void *state, struct minivmm_call *call)
{
    struct minivmm_machine *machine = minivmm_vcpu_machine(call->vcpu);
    const struct minivmm_region region = {.name = "late", .base = 0x5000, .size = 1};
    const struct minivmm_image image = {.path = "late.bin"};
    struct minivmm_error error;
    struct minivmm_result result;
    const int results[] = {
        minivmm_run(machine, &result),
        minivmm_pause(machine, &error),
        minivmm_step(call->vcpu, &error),
        minivmm_load(machine, &image, &error),
        minivmm_add_region(machine, &region, &error),
        minivmm_destroy(machine, &error),
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        if (results[i] >= 0)
            return 1000 + i;
    return minivmm_call_default(call);
}
#endif

#ifdef WRONG_SYMBOL
#define ENTRY another_name
#else
#define ENTRY minivmm_stub
#endif

const struct minivmm_stub ENTRY = {
    .abi = ABI,
    .name = "bad",
#ifdef WRONG_ATTACH
    .attach = attach,
#endif
#ifdef WRONG_SIMULATE
    .simulate = simulate,
#endif
#ifdef WRONG_STEP
    .step = step,
#endif
#if defined(WRONG_TWICE) || defined(WRONG_TIME)
    .ptlcall = ptlcall,
#endif
};
