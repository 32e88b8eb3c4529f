/* How things end: outcomes as exit statuses and sentences, and errors. */
#include "api/handle.h"
#include "vmm/base/outcome.h"

#include <string.h>

_Static_assert(MINIVMM_TEXT_MAX == ERROR_TEXT_MAX, "a sentence fits");

int minivmm_exit_status(enum minivmm_outcome outcome, int guest_status)
{
    return outcome_exit_status((enum outcome)outcome, guest_status);
}

const char *minivmm_outcome_meaning(enum minivmm_outcome outcome)
{
    return (unsigned)outcome < MINIVMM_OUTCOMES ? outcome_table[outcome].meaning : NULL;
}

const char *minivmm_version(void)
{
    return MINIVMM_VERSION;
}

int api_fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code,
             const struct error *from)
{
    if (error) {
        error->outcome = outcome;
        memcpy(error->text, from->text, sizeof(error->text));
    }
    return code;
}
