
#include "api/result.h"

#include "vmm/base/outcome.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/observe/crash_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(MINIVMM_TEXT_MAX == ERROR_TEXT_MAX, "a sentence fits");

int minivmm_exit_status(enum minivmm_outcome outcome, int guest_status)
{
    return outcome_exit_status((enum outcome)outcome, guest_status);
}

const char *minivmm_outcome_meaning(enum minivmm_outcome outcome)
{
    return (unsigned)outcome < MINIVMM_OUTCOMES ? outcome_table[outcome].meaning : NULL;
}

const char *minivmm_version(void)
{
    return MINIVMM_VERSION;
}

int api_fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code,
             const struct error *from)
{
    if (error) {
        error->outcome = outcome;
        memcpy(error->text, from->text, sizeof(error->text));
    }
    return code;
}

bool result_is_reboot(struct minivmm_machine *machine)
{
    return machine->machine.reboots && machine_outcome(&machine->machine) == OUTCOME_RESET &&
           !machine->restored && !machine->config.world;
}

void result_set(struct minivmm_result *result, enum minivmm_outcome outcome, const char *text)
{
    result->outcome = outcome;
    result->exit_status = minivmm_exit_status(outcome, result->guest_status);
    snprintf(result->text, sizeof(result->text), "%s", text);
}

/* The zero at its end is not counted. */
static void report_crash(struct minivmm_machine *machine, struct vcpu *vcpu)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);

    if (!file)
        return;
    vcpu_fetch_registers(vcpu, NULL);
    crash_report_write(&machine->machine, vcpu, file);
    if (fclose(file) == 0) {
        text_append(&machine->report, bytes, size + 1);
        if (!machine->report.failed)
            machine->report.used--;
    }
    free(bytes);
}

/* Does the outcome have a crash report? */
static bool is_crash(enum outcome outcome)
{
    return outcome == OUTCOME_TRIPLE_FAULT || outcome == OUTCOME_CRASH ||
           outcome == OUTCOME_INTERNAL;
}

void result_explain(struct minivmm_machine *machine, struct minivmm_result *result)
{
    struct machine *ended = &machine->machine;
    const enum outcome outcome = machine_outcome(ended);
    struct vcpu *vcpu = ended->ended_by;
    struct error why = {""};

    if (outcome == OUTCOME_TIMEOUT)
        error_set(&why, 0, "the guest did not end within %g s; see --timeout",
                  (double)machine->config.timeout_ns / 1e9);
    else if (outcome == OUTCOME_INTERRUPTED && atomic_load(&machine->stopped))
        error_set(&why, 0, "minivmm_stop() ended the run");
    else if ((outcome == OUTCOME_INTERNAL || outcome == OUTCOME_CRASH) && vcpu &&
             vcpu->failure.text[0])
        why = vcpu->failure;
    else if (outcome != OUTCOME_GUEST && outcome != OUTCOME_OUTPUT)
        error_set(&why, 0, "%s", outcome_table[outcome].meaning);
    result->guest_status = outcome == OUTCOME_GUEST ? machine_status(ended) : 0;
    result_set(result, (enum minivmm_outcome)outcome, why.text);
    if (is_crash(outcome) && vcpu && vcpu->run)
        report_crash(machine, vcpu);
    result->report = machine->report.used ? machine->report.bytes : NULL;
}

int result_finish(struct minivmm_machine *machine, struct minivmm_result *result)
{
    struct machine *ended = &machine->machine;
    struct run_files *watch = &machine->watch;
    struct error error;
    int code = run_files_finish(watch, ended, &machine->report, &error);

    if (code == 0)
        code = machine_flush(ended, &error);
    if (code == 0)
        code = run_files_write_stats(watch, &machine->config, &error);
    if (code < 0)
        result_set(result, MINIVMM_OUTPUT, error.text);
    else if (result->outcome == MINIVMM_OUTPUT && !result->text[0])
        result_set(result, MINIVMM_OUTPUT, outcome_table[OUTCOME_OUTPUT].meaning);
    return code;
}
