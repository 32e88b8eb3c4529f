/*
 * Threads of the monitor's own, beside those that run vCPUs.
 */
#ifndef VMM_BASE_THREAD_H
#define VMM_BASE_THREAD_H

#include <pthread.h>

/*
 * Start (run) with (argument) in a thread to be joined. It gets no signals: they are for the vCPUs and for
 * whoever waits for them, whichever of these starts first. 0 or -errno, with *thread untouched.
 */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
