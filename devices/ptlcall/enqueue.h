/* ENQUEUE: a list of commands, checked as a whole and run in order. */
#ifndef DEVICES_PTLCALL_ENQUEUE_H
#define DEVICES_PTLCALL_ENQUEUE_H

#include "devices/ptlcall/session.h"

/*
 * ptlcall_enqueue() does all that can fail and logs the arguments; ptlcall_enqueue_run() carries
 * out the parsed list.
 */
int64_t ptlcall_enqueue(struct ptlcall_call *call);
void ptlcall_enqueue_run(struct ptlcall_call *call);

#endif
