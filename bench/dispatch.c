/*
 * dispatch REGIONS STREAM SAMPLES PASSES: what exit_handle() costs by itself, for a stream of exits
 * that lies ready in run pages.
 *
 * The first line is `exits N COMPILER`: of all that were handled, and who compiled it, since that
 * decides how many instructions they take. Then comes a line for each of SAMPLES: the nanoseconds of
 * one exit, as the mean over PASSES of the stream.
 */
#include "bench/dispatch.h"

#include "vmm/base/clock.h"
#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT(number)  #number
#define VALUE(number) TEXT(number)

#ifndef __has_feature
#define __has_feature(name) 0 /* clang's; gcc has macros */
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || !defined(__OPTIMIZE__)
#define COMPILER "unoptimised"
#elif defined(__clang__)
#define COMPILER "clang-" VALUE(__clang_major__)
#else
#define COMPILER "gcc-" VALUE(__GNUC__)
#endif

/* True: the machine has ended, which no exit of this stream should cause. */
static bool pass(struct dispatch *dispatch)
{
    struct machine *machine = &dispatch->machine;
    struct vcpu *vcpu = &machine->vcpus[0];

    for (unsigned i = 0; i < dispatch->count; i++) {
        vcpu->run = dispatch->runs[i];
        if (exit_handle(machine, vcpu) != EXIT_RESUME)
            return true;
    }
    return false;
}

static int measure(struct dispatch *dispatch, unsigned long samples, unsigned long passes)
{
    printf("exits %lu %s\n", dispatch->count * samples * passes, COMPILER);
    for (unsigned long sample = 0; sample < samples; sample++) {
        const uint64_t begun = clock_now();

        for (unsigned long i = 0; i < passes; i++)
            if (pass(dispatch))
                return 1;
        printf("%.3f\n", (double)(clock_now() - begun) / (double)passes / (double)dispatch->count);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct dispatch *dispatch = malloc(sizeof(*dispatch));
    struct error error;
    unsigned long regions;
    int status;

    if (argc != 5 || !dispatch) {
        fprintf(stderr, "usage: dispatch REGIONS STREAM SAMPLES PASSES\n");
        return 2;
    }
    regions = strtoul(argv[1], NULL, 10);
    if (regions < 1 || regions > BUS_REGIONS ||
        dispatch_create(dispatch, (unsigned)regions, argv[2], &error) < 0) {
        fprintf(stderr, "dispatch: %s\n",
                regions < 1 || regions > BUS_REGIONS ? "REGIONS is 1 to 64" : error.text);
        return 1;
    }
    status = measure(dispatch, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    dispatch_destroy(dispatch);
    free(dispatch);
    return status;
}
