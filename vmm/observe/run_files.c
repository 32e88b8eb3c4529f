#include "vmm/observe/run_files.h"

#include "vmm/base/clock.h"
#include "vmm/base/descriptor.h"
#include "vmm/observe/stats.h"
#include "vmm/observe/trace.h"
#include "vmm/record/exit_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_file(int *fd, const char *option, const char *path, struct error *error)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (*fd < 0)
        return error_set(error, -errno, "%s%s: %s; name a file that can be written", option, path,
                         strerror(errno));
    return 0;
}

int run_files_open(struct run_files *watch, const struct minivmm_config *config,
                   struct error *error)
{
    int result = 0;

    *watch = (struct run_files)RUN_FILES_NONE;
    if (config->stats_path)
        result = open_file(&watch->stats_fd, "--stats file=", config->stats_path, error);
    if (result == 0 && config->record)
        result = open_file(&watch->record_fd, "--record ", config->record, error);
    if (result == 0 && config->trace)
        result = open_file(&watch->trace_fd, "--trace ", config->trace, error);
    return result;
}

void run_files_close(struct run_files *watch)
{
    recorder_destroy(watch->recorder);
    descriptor_close(&watch->stats_fd);
    descriptor_close(&watch->record_fd);
    descriptor_close(&watch->trace_fd);
    watch->recorder = NULL;
}

int run_files_attach(struct run_files *watch, const struct minivmm_config *config,
                     struct machine *machine, struct error *error)
{
    if (config->stats != MINIVMM_STATS_NONE) {
        watch->stats = stats_create(machine);
        if (!watch->stats)
            return error_set(error, -ENOMEM, "out of memory for statistics; leave out --stats");
    }
    if (watch->record_fd >= 0) {
        watch->recorder =
            recorder_create(watch->record_fd, machine->vcpu_count, &machine->abandoned);
        if (!watch->recorder)
            return error_set(error, -ENOMEM, "--record: no memory or no thread for it");
        machine_set_journal(machine, recorder_journal(watch->recorder));
    }
    if (watch->trace_fd >= 0) {
        watch->trace = trace_create(machine, watch->trace_fd);
        if (!watch->trace)
            return error_set(error, -ENOMEM, "--trace: no memory or no thread for it");
    }
    return 0;
}

void run_files_detach(struct run_files *watch)
{
    trace_destroy(watch->trace);
    stats_destroy(watch->stats);
    watch->trace = NULL;
    watch->stats = NULL;
}

void run_files_begin(struct run_files *watch, const char *source, const struct machine_plan *plan)
{
    struct text header = {0};

    if (!watch->recorder)
        return;
    text_append_string(&header, "exits ");
    text_append_decimal(&header, EXIT_STREAM_VERSION);
    text_append_string(&header, "\nrecorded \"");
    text_append_escaped(&header, source, strlen(source));
    text_append_string(&header, "\" by minivmm " MINIVMM_VERSION "\n");
    machine_plan_print(plan, &header);
    text_append_string(&header, "start ");
    text_append_decimal(&header, clock_read(CLOCK_REALTIME));
    text_append_string(&header, "\n");
    recorder_begin(watch->recorder, &header);
    text_free(&header);
}

static int finish_recording(struct run_files *watch, struct machine *machine,
                            const struct text *report, struct error *error)
{
    uint64_t waits;
    int result;

    if (!watch->recorder)
        return 0;
    waits = recorder_waits(watch->recorder);
    if (waits)
        machine_notice(machine, "--record: the file made vCPUs wait, %" PRIu64 " times", waits);
    result = recorder_finish(watch->recorder, machine, report);
    if (result < 0)
        error_set(error, result, "--record: %s; name a file with more room", strerror(-result));
    return result;
}

static int finish_trace(struct run_files *watch, struct error *error)
{
    int result = trace_destroy(watch->trace);

    watch->trace = NULL;
    if (result < 0)
        error_set(error, result, "--trace: %s; name a file with more room", strerror(-result));
    return result;
}

/* Both are ended, even if one fails. */
int run_files_finish(struct run_files *watch, struct machine *machine, const struct text *report,
                     struct error *error)
{
    const int trace = finish_trace(watch, error);
    const int recording = finish_recording(watch, machine, report, error);

    return recording < 0 ? recording : trace;
}

int run_files_write_stats(const struct run_files *watch, const struct minivmm_config *config,
                          struct error *error)
{
    const int fd = config->stats_path ? watch->stats_fd : config->stats_fd;
    int result;

    if (config->stats == MINIVMM_STATS_NONE || fd < 0)
        return 0;
    if (config->name && config->stats == MINIVMM_STATS_TABLE && !config->stats_path)
        dprintf(fd, "%sstatistics\n", config->name);
    result = stats_write(watch->stats, config->stats == MINIVMM_STATS_JSON, fd);
    if (result < 0)
        error_set(error, result, "--stats: %s; name a file that can be written", strerror(-result));
    return result;
}
