/*
 * How long a test waits. What must happen is waited for by its condition, so that a slow machine takes
 * longer and no test fails for it; these limits end only what never comes. TIMEOUT_FACTOR=N multiplies
 * all of them.
 */
#ifndef TESTS_PATIENCE_H
#define TESTS_PATIENCE_H

#include <unistd.h>

/* Make Check's limit of a test TEST_SECONDS, and multiply those of tcase_set_timeout(): before any suite. */
void patience_init(void);

/* Until what must come counts as missing: less than a test may last. */
unsigned patience_ms(void);

/* Does (condition) come true? It is looked at every millisecond. */
#define comes_true(condition)                                                                      \
    ({                                                                                             \
        unsigned patience_left = patience_ms();                                                    \
        while (!(condition) && patience_left--)                                                    \
            usleep(1000);                                                                          \
        (condition);                                                                               \
    })

#endif
