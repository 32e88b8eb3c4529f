/* ENQUEUE: a list of commands, checked as a whole and run in order. */
#ifndef DEVICES_PTLCALL_ENQUEUE_H
#define DEVICES_PTLCALL_ENQUEUE_H

#include "devices/ptlcall/session.h"

/* All that can fail, with the call's arguments in the log. What it checked, ptlcall_enqueue_run() carries out. */
int64_t ptlcall_enqueue(struct ptlcall_call *call);
void ptlcall_enqueue_run(struct ptlcall_call *call);

#endif
