/*
 * Fuzzing of exits: whatever a guest does, the monitor keeps its contracts; see
 * tests/unit/hostile_steps.h for what the bytes mean.
 */
#include "tests/unit/hostile.h"
#include "tests/unit/hostile_steps.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    hostile_prepare();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    hostile_run(bytes, size);
    return 0;
}
