/* The counters that MARKER and -snapshot-now show: for the log, and as JSON for a file. */
#ifndef DEVICES_PTLCALL_COUNTERS_H
#define DEVICES_PTLCALL_COUNTERS_H

#include "devices/ptlcall/session.h"

/* Append ` time=… tsc=… exits=…` to the log's line. */
void ptlcall_log_counters(struct ptlcall *ptlcall);

/* Write the counters as JSON into the chunk, and give their length; (name) is allowed. */
size_t ptlcall_report_counters(struct ptlcall *ptlcall, const char *name);

#endif
