/* The life of a machine of the API's: what comes after what. */
#include "api/access.h"

#include <errno.h>

/* Why a machine in that state is not to be loaded, run or destroyed. */
static const struct {
    int code;
    const char *text;
} refusals[] = {
    [HANDLE_CREATED] = {-EINVAL, "the machine has no guest yet; call minivmm_load() or "
                                 "minivmm_restore() first"},
    [HANDLE_LOADED] = {-EALREADY,
                       "the machine is loaded already; create another for another guest"},
    [HANDLE_RUNNING] = {-EBUSY, "the machine runs; end it with minivmm_stop(), and wait until "
                                "minivmm_run() returns"},
    [HANDLE_CHANGING] = {-EBUSY, "the machine is just being made or ended; wait for that call, and "
                                 "make no such call in a callback"},
    [HANDLE_ENDED] = {-EALREADY, "the machine has run, which it does once; create another"},
};

int api_refuse_state(enum handle_state state, struct minivmm_error *error)
{
    return api_refuse(error, refusals[state].code, "%s", refusals[state].text);
}

int api_claim(struct minivmm_machine *machine, enum handle_state from, enum handle_state to,
              struct minivmm_error *error)
{
    enum handle_state state = from;

    if (atomic_compare_exchange_strong(&machine->state, &state, to))
        return 0;
    return api_refuse_state(state, error);
}
