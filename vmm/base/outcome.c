#include "vmm/base/outcome.h"

const struct outcome_info outcome_table[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = {"none", -1, "still running"},
    [OUTCOME_GUEST] = {"guest", -1, "the guest's own status"},
    [OUTCOME_USAGE] = {"usage", 200, "an option or argument is wrong"},
    [OUTCOME_IMAGE] = {"image", 201, "the image or checkpoint was refused"},
    [OUTCOME_NO_KVM] = {"no-kvm", 202, "/dev/kvm cannot be used"},
    [OUTCOME_SETUP] = {"setup", 203, "the machine could not be made"},
    [OUTCOME_TRIPLE_FAULT] = {"triple-fault", 204, "the guest crashed with a triple fault"},
    [OUTCOME_CRASH] = {"crash", 205, "KVM cannot continue the guest"},
    [OUTCOME_TIMEOUT] = {"timeout", 206, "the time limit of --timeout passed"},
    [OUTCOME_INTERRUPTED] = {"interrupted", 207, "ended from outside: Ctrl-A x or a signal"},
    [OUTCOME_RESET] = {"reset", 208, "the guest asked for a reset"},
    [OUTCOME_OUTPUT] = {"output", 209, "the console or a log could not be written"},
    [OUTCOME_INTERNAL] = {"internal", 210, "an error in the monitor"},
    [OUTCOME_STREAM] = {"stream", 211, "an exit stream was refused"},
    [OUTCOME_DIFFERS] = {"differs", 212, "a replay differs from its exit stream"},
};

int outcome_exit_status(enum outcome outcome, int guest_status)
{
    if (outcome == OUTCOME_GUEST)
        return guest_status;
    if (outcome <= OUTCOME_NONE || outcome >= OUTCOME_COUNT)
        return outcome_table[OUTCOME_INTERNAL].exit_status;
    return outcome_table[outcome].exit_status;
}
