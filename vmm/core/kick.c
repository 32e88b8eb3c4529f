#include "vmm/core/kick.h"

#include <errno.h>

static void do_nothing(int number)
{
    (void)number;
}

/* SIG_DFL would end the process; an ignored signal interrupts nothing. */
static bool has_handler(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

int kick_install(void)
{
    const struct sigaction kick = {.sa_handler = do_nothing};
    struct sigaction now;

    if (sigaction(VCPU_KICK_SIGNAL, NULL, &now) < 0)
        return -errno;
    if (has_handler(&now))
        return -EBUSY;
    return sigaction(VCPU_KICK_SIGNAL, &kick, NULL) < 0 ? -errno : 0;
}

bool kick_is_installed(void)
{
    struct sigaction now;

    return sigaction(VCPU_KICK_SIGNAL, NULL, &now) == 0 && has_handler(&now) &&
           !(now.sa_flags & SA_RESTART);
}

void kick_unblock(sigset_t *old)
{
    sigset_t kicks;

    sigemptyset(&kicks);
    sigaddset(&kicks, VCPU_KICK_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &kicks, old);
}
