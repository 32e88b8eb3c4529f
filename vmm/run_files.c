#include "vmm/run_files.h"

#include "vmm/clock.h"
#include "vmm/descriptor.h"
#include "vmm/stats.h"
#include "vmm/stream.h"
#include "vmm/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

int run_files_open(struct run_files *files, const struct options *options, struct error *error)
{
    int result = 0;

    *files = (struct run_files)RUN_FILES_NONE;
    if (options->stats_file)
        result = open_file(&files->stats, "--stats file=", options->stats_file, error);
    if (result == 0 && options->record)
        result = open_file(&files->record, "--record ", options->record, error);
    if (result == 0 && options->trace)
        result = open_file(&files->trace, "--trace ", options->trace, error);
    return result;
}

void run_files_close(struct run_files *files)
{
    recorder_destroy(files->recorder);
    descriptor_close(&files->stats);
    descriptor_close(&files->record);
    descriptor_close(&files->trace);
}

int run_files_attach(struct run_files *files, struct machine *machine, struct error *error)
{
    if (files->record >= 0) {
        files->recorder = recorder_create(files->record, machine->vcpu_count, &machine->abandoned);
        if (!files->recorder)
            return error_set(error, -ENOMEM, "--record: no memory or no thread for it");
        machine_set_tape(machine, recorder_tape(files->recorder));
    }
    if (files->trace >= 0) {
        machine->trace = trace_create(machine, files->trace);
        if (!machine->trace)
            return error_set(error, -ENOMEM, "--trace: no memory or no thread for it");
    }
    return 0;
}

void run_files_begin(struct run_files *files, const struct options *options,
                     const struct plan *plan)
{
    const char *source = options->image ? options->image : options->restore;
    struct text header = {0};

    if (!files->recorder)
        return;
    text_put_string(&header, "exits ");
    text_put_decimal(&header, STREAM_VERSION);
    text_put_string(&header, "\nrecorded \"");
    text_put_escaped(&header, source, strlen(source));
    text_put_string(&header, "\" by minivmm " MINIVMM_VERSION "\n");
    plan_put(plan, &header);
    text_put_string(&header, "start ");
    text_put_decimal(&header, clock_read(CLOCK_REALTIME));
    text_put_string(&header, "\n");
    recorder_begin(files->recorder, &header);
    text_free(&header);
}

static int finish_recording(struct run_files *files, struct machine *machine,
                            const struct text *report, struct error *error)
{
    uint64_t waits;
    int result;

    if (!files->recorder)
        return 0;
    waits = recorder_waits(files->recorder);
    if (waits)
        machine_notice(machine, "--record: the file made vCPUs wait, %" PRIu64 " times", waits);
    result = recorder_finish(files->recorder, machine, report);
    if (result < 0)
        error_set(error, result, "--record: %s; name a file with more room", strerror(-result));
    return result;
}

static int finish_trace(struct machine *machine, struct error *error)
{
    int result = trace_finish(machine->trace);

    machine->trace = NULL;
    if (result < 0)
        error_set(error, result, "--trace: %s; name a file with more room", strerror(-result));
    return result;
}

/* Both are ended, whatever becomes of the other. */
int run_files_finish(struct run_files *files, struct machine *machine, const struct text *report,
                     struct error *error)
{
    const int trace = finish_trace(machine, error);
    const int recording = finish_recording(files, machine, report, error);

    return recording < 0 ? recording : trace;
}

int run_files_write_stats(const struct run_files *files, const struct options *options,
                          struct machine *machine, struct error *error)
{
    const int fd = files->stats < 0 ? STDERR_FILENO : files->stats;
    int result;

    if (!options->stats)
        return 0;
    result = stats_write(machine, options->stats_json, fd);
    if (result < 0)
        error_set(error, result, "--stats: %s; name a file that can be written", strerror(-result));
    return result;
}
