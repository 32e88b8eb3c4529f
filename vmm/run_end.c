#include "vmm/run_end.h"

#include "vmm/report.h"
#include "vmm/vcpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int run_fail(const char *who, enum outcome outcome, const struct error *error)
{
    dprintf(STDERR_FILENO, "minivmm: %s%s\n", who, error->text);
    return outcome_exit_status(outcome, 0);
}

/* The crash report: on stderr, and in (report). */
static void report_crash(struct machine *machine, struct vcpu *vcpu, struct text *report)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);

    vcpu_fetch_registers(vcpu, NULL);
    if (!file) {
        report_write(machine, vcpu, stderr);
        return;
    }
    report_write(machine, vcpu, file);
    fclose(file);
    text_put(report, bytes, size);
    fwrite(bytes, 1, size, stderr);
    free(bytes);
}

void run_explain(struct machine *machine, const struct options *options, const char *who,
                 struct text *report)
{
    const bool boots_again = machine->reboots && options->image && !options->domain_count;
    enum outcome outcome = machine_outcome(machine);
    struct vcpu *vcpu = machine->ended_by;
    struct error error;

    if (outcome == OUTCOME_GUEST || outcome == OUTCOME_OUTPUT || boots_again)
        return;
    if (outcome == OUTCOME_TIMEOUT)
        error_set(&error, 0, "the guest did not end within %g s; see --timeout",
                  (double)options->timeout_ns / 1e9);
    else if ((outcome == OUTCOME_INTERNAL || outcome == OUTCOME_CRASH) && vcpu &&
             vcpu->failure.text[0])
        error = vcpu->failure;
    else
        error_set(&error, 0, "%s", outcome_table[outcome].meaning);
    dprintf(STDERR_FILENO, "minivmm: %s%s\n", who, error.text);

    if (vcpu && vcpu->run &&
        (outcome == OUTCOME_TRIPLE_FAULT || outcome == OUTCOME_CRASH ||
         outcome == OUTCOME_INTERNAL))
        report_crash(machine, vcpu, report);
}

int run_finish(struct machine *machine, const struct options *options, struct run_files *files,
               const char *who, const struct text *report)
{
    struct error error;
    int result = run_files_finish(files, machine, report, &error);

    if (result == 0)
        result = machine_finish(machine, &error);
    if (result == 0)
        result = run_files_write_stats(files, options, machine, &error);
    if (result < 0)
        return run_fail(who, OUTCOME_OUTPUT, &error);
    return outcome_exit_status(machine_outcome(machine), machine_status(machine));
}
