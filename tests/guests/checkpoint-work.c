/*
 * Computes, without an exit but those of its output: a line for each round. Guest arguments: the
 * rounds, the steps of a round, and `ring3`, where the code may run natively.
 */
#include "guest/lib/console.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/string.h"

struct work {
    uint64_t rounds, steps;
};

/* Marsaglia's xorshift generator: each state follows from the previous one only. */
static uint64_t work(void *argument)
{
    const struct work *work = argument;
    uint64_t state = 1;

    for (uint64_t round = 1; round <= work->rounds; round++) {
        for (uint64_t step = 0; step < work->steps; step++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        printf("round %lu: %016lx\n", round, state);
    }
    return 0;
}

/* The number after the next space of (text), which is advanced to it. */
static uint64_t next_number(const char **text)
{
    while (**text != '\0' && **text != ' ')
        ++*text;
    while (**text == ' ')
        ++*text;
    return number_read(*text);
}

int main(const struct boot_info *boot)
{
    const char *text = boot->command;
    struct work all = {.rounds = number_read(text)};

    all.steps = next_number(&text);
    exceptions_init();
    if (argument_given(boot, "ring3"))
        ring3_call(work, &all);
    else
        work(&all);
    return 0;
}
