/* The counters of MARKER and -snapshot-now: in the log, and as JSON in a file. */
#ifndef DEVICES_PTLCALL_COUNTERS_H
#define DEVICES_PTLCALL_COUNTERS_H

#include "devices/ptlcall/session.h"

/* Append ` time=… tsc=… exits=…` to the current log line. */
void ptlcall_log_counters(struct ptlcall *ptlcall);

/*
 * Write the counters as JSON into (chunk) and return their length; (name) is an allowed file name.
 */
size_t ptlcall_report_counters(struct ptlcall *ptlcall, const char *name);

#endif
