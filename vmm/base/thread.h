/*
 * Threads of the monitor's own, beside those that run vCPUs.
 */
#ifndef VMM_BASE_THREAD_H
#define VMM_BASE_THREAD_H

#include <pthread.h>

/*
 * Start (run) with (argument) in a thread, which the caller joins. All signals are blocked in it from the start: they
 * are for vCPUs and for the host's thread. 0, or -errno with *thread unchanged.
 */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
