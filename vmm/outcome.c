#include "vmm/outcome.h"

const struct outcome_info outcome_table[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = {-1, "still running"},
    [OUTCOME_GUEST] = {-1, "the guest's own status"},
    [OUTCOME_USAGE] = {200, "an option or argument is wrong"},
    [OUTCOME_IMAGE] = {201, "the image was refused"},
    [OUTCOME_NO_KVM] = {202, "/dev/kvm cannot be used"},
    [OUTCOME_SETUP] = {203, "the machine could not be made"},
    [OUTCOME_TRIPLE_FAULT] = {204, "the guest crashed with a triple fault"},
    [OUTCOME_CRASH] = {205, "the guest did what KVM cannot go on from"},
    [OUTCOME_TIMEOUT] = {206, "the time limit of --timeout passed"},
    [OUTCOME_INTERRUPTED] = {207, "ended from outside: Ctrl-A x or a signal"},
    [OUTCOME_RESET] = {208, "the guest asked for a reset"},
    [OUTCOME_OUTPUT] = {209, "the console or a log could not be written"},
    [OUTCOME_INTERNAL] = {210, "an error in the monitor"},
};

int outcome_exit_status(enum outcome outcome, int guest_status)
{
    if (outcome == OUTCOME_GUEST)
        return guest_status;
    if (outcome <= OUTCOME_NONE || outcome >= OUTCOME_COUNT)
        return outcome_table[OUTCOME_INTERNAL].exit_status;
    return outcome_table[outcome].exit_status;
}
