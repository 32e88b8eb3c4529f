/*
 * A machine with every device type, and a guest whose actions follow from a seed: for tests that do
 * the same to two machines and look for a difference.
 */
#ifndef TESTS_UNIT_TWIN_H
#define TESTS_UNIT_TWIN_H

#include "tests/unit/fixture.h"

#define TWIN_TOLD 256

struct twin {
    struct fixture fixture;
    char input[80];       /* the file that the second serial port reads */
    char told[TWIN_TOLD]; /* interrupts of the last step: "GSI+ ", "GSI- ", "ADDRESS=DATA " */
};

/* The results of a step that a guest or an observer sees. */
struct twin_step {
    uint64_t value; /* read */
    uint64_t rax;
    uint64_t shown; /* bytes at the console, without those that are still buffered */
    unsigned action, end;
};

/* All types, and serial.1, which has files. Aborts the test if it cannot be made. */
void twin_begin(struct twin *twin);
void twin_end(struct twin *twin);

/* Do one thing: the same for the same (seed) and the same state. The machine never ends by it. */
struct twin_step twin_play(struct twin *twin, uint64_t seed);

/* What a machine has beside its devices: let (to) have the memory and the registers of (from). */
void twin_copy(struct twin *to, const struct twin *from);
bool twin_memory_equal(const struct twin *one, const struct twin *other);

/* Vigna's splitmix64: the next number, of (state). */
uint64_t twin_random(uint64_t *state);

#endif
