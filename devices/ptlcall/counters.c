/*
 * The counters of MARKER and -snapshot-now: in the log, and as JSON in a file.
 */
#include "devices/ptlcall/counters.h"

#include "vmm/core/exit_reason.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define NANOSECONDS UINT64_C(1000000000) /* in a second */

static void log_exits(struct ptlcall *ptlcall)
{
    uint64_t counts[EXIT_REASONS];
    const char *separator = "";

    machine_count_exits(ptlcall->machine, counts);
    ptlcall_log_print(&ptlcall->log, " exits=");
    for (unsigned i = 0; i < EXIT_REASONS; i++) {
        if (counts[i] == 0)
            continue;
        ptlcall_log_print(&ptlcall->log, "%s%s:%" PRIu64, separator, exit_reason_name(i),
                          counts[i]);
        separator = ",";
    }
    if (*separator == '\0')
        ptlcall_log_print(&ptlcall->log, "none");
}

void ptlcall_log_counters(struct ptlcall *ptlcall)
{
    uint64_t now;

    if (!ptlcall->log.on)
        return;
    now = machine_clock(ptlcall->machine);
    ptlcall_log_print(&ptlcall->log, " time=%" PRIu64 ".%09" PRIu64, now / NANOSECONDS,
                      now % NANOSECONDS);
    ptlcall_log_print(&ptlcall->log, " tsc=%llu",
                      (unsigned long long)machine_tsc(ptlcall->machine));
    log_exits(ptlcall);
}

/* A growing text in a buffer of fixed size; text that does not fit is cut off. */
struct report {
    char *text;
    size_t size, used;
};

static void report_add(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void report_add(struct report *report, const char *format, ...)
{
    const size_t room = report->size - report->used;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(report->text + report->used, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        report->used += (size_t)length < room ? (size_t)length : room - 1;
}

/* An allowed name has no control character and no '\\', so '"' is all that JSON needs escaped. */
size_t ptlcall_report_counters(struct ptlcall *ptlcall, const char *name)
{
    struct report report = {ptlcall->chunk, sizeof(ptlcall->chunk), 0};
    struct machine *machine = ptlcall->machine;
    uint64_t counts[EXIT_REASONS];
    const char *separator = "";

    report_add(&report, "{\"name\":\"");
    for (; *name; name++)
        report_add(&report, *name == '"' ? "\\%c" : "%c", *name);
    report_add(&report, "\",\"time_ns\":%" PRIu64 ",\"exits\":{", machine_clock(machine));
    machine_count_exits(machine, counts);
    for (unsigned i = 0; i < EXIT_REASONS; i++) {
        if (counts[i] == 0)
            continue;
        report_add(&report, "%s\"%s\":%" PRIu64, separator, exit_reason_name(i), counts[i]);
        separator = ",";
    }
    report_add(&report, "}}\n");
    return report.used;
}
