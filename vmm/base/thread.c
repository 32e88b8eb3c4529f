#include "vmm/base/thread.h"

#include <signal.h>

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    sigset_t all, old;
    pthread_t started;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(&started, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code == 0)
        *thread = started;
    return -code;
}
