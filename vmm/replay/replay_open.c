/* Replaying an exit stream: its header, and the machine that it asks for. */
#include "vmm/replay/replay_parts.h"

#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/core/x86.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PRESET (16 * MIB)
#define RUN_SIZE      (2 * 4096 + STREAM_IO_MAX) /* struct kvm_run, then the data of port exits */

static int take_start(struct cursor *line, struct error *error)
{
    uint64_t start;
    int result = cursor_number(line, "nanoseconds since 1970", &start, error);

    return result < 0 ? result : cursor_finish(line, error);
}

/* Lines of a header; the next one that is none is held. */
int replay_read_plan(struct replay *replay, struct machine_plan *plan, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = stream_next(&replay->stream, &line, error)) > 0) {
        if (!replay->begun && cursor_skip(&line, "recorded"))
            replay->recorded = replay->stream.whole = true;
        else if (cursor_skip(&line, "start"))
            result = take_start(&line, error);
        else if ((result = machine_plan_take_line(plan, &line, error)) == 0) {
            stream_hold(&replay->stream);
            return 0;
        }
        if (result < 0)
            return result;
    }
    return result < 0 ? result : 0;
}

static int read_version(struct replay *replay, struct error *error)
{
    struct cursor line;
    uint64_t version;
    int result = stream_next(&replay->stream, &line, error);

    if (result < 0)
        return result;
    if (result == 0 || !cursor_skip(&line, "exits"))
        return error_set(error, -EINVAL,
                         "%s: this is no exit stream: its first line is not `exits %d`",
                         replay->stream.path, STREAM_VERSION);
    result = cursor_number(&line, "a version", &version, error);
    if (result == 0)
        result = cursor_finish(&line, error);
    if (result == 0 && version != STREAM_VERSION)
        return stream_refuse(&replay->stream, error,
                             "version %llu of the format; this minivmm reads version %d",
                             (unsigned long long)version, STREAM_VERSION);
    return result;
}

int replay_open(struct replay *replay, const char *path, const struct device_type *const *types,
                struct error *error)
{
    int result;

    memset(replay, 0, sizeof(*replay));
    replay->plan.types = types;
    replay->plan.memory_size = MEMORY_PRESET;
    replay->plan.vcpu_count = 1;
    result = stream_open(&replay->stream, path, error);
    if (result < 0)
        return result;
    result = read_version(replay, error);
    if (result == 0)
        result = replay_read_plan(replay, &replay->plan, error);
    if (result < 0)
        replay_close(replay);
    return result;
}

void replay_close(struct replay *replay)
{
    stream_close(&replay->stream);
    stream_event_free(&replay->event);
    machine_plan_free(&replay->plan);
    text_free(&replay->word);
    text_free(&replay->difference);
}

/* A stream's vCPU runs 64-bit code with paging off until it is told otherwise. */
static int make_vcpu(struct vcpu *vcpu, struct error *error)
{
    vcpu->run = calloc(1, RUN_SIZE);
    if (!vcpu->run)
        return error_set(error, -ENOMEM, "out of memory for vCPU %u", vcpu->id);
    vcpu->run_size = RUN_SIZE;
    vcpu->registers_valid = true;
    vcpu_put_register(vcpu, VCPU_CR0, X86_CR0_PE);
    vcpu_put_register(vcpu, VCPU_EFER, X86_EFER_LME | X86_EFER_LMA);
    vcpu_put_register(vcpu, VCPU_CS_L, 1);
    return 0;
}

void replay_end_machine(struct replay *replay)
{
    for (unsigned id = 0; id < replay->machine.vcpu_count; id++) {
        free(replay->machine.vcpus[id].run);
        replay->machine.vcpus[id].run = NULL;
    }
    machine_destroy(&replay->machine);
    tape_destroy(&replay->tape);
    free(replay->rax);
    replay->rax = NULL;
}

int replay_make_machine(struct replay *replay, const struct machine_plan *plan, struct error *error)
{
    struct machine_config config = {
        .console_fd = -1,
        .console_policy = OUTPUT_FULL,
        .out_dir = "/",
        .message_fd = -1,
    };
    struct machine *machine = &replay->machine;
    unsigned failed = UINT32_MAX; /* device */
    struct error cause;
    int result;

    machine_plan_configure(plan, &config);
    tape_init(&replay->tape);
    replay->tape.replays = true;
    result = machine_create(machine, &config, &cause);
    if (result < 0) {
        tape_destroy(&replay->tape);
        return error_set(error, result, "%.200s: %.280s", replay->stream.path, cause.text);
    }
    machine_set_tape(machine, &replay->tape);
    replay->rax = calloc(machine->vcpu_count, sizeof(*replay->rax));
    if (!replay->rax)
        result = error_set(&cause, -ENOMEM, "out of memory");
    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++)
        result = make_vcpu(&machine->vcpus[id], &cause);
    if (result == 0)
        result = machine_plan_make_devices(plan, machine, &failed, &cause);
    if (result < 0) {
        replay_end_machine(replay);
        replay->stream.number = failed < plan->device_count ? plan->lines[failed] : 0;
        return stream_refuse(&replay->stream, error, "%s", cause.text);
    }
    bus_freeze(&machine->bus[BUS_PIO]);
    bus_freeze(&machine->bus[BUS_MMIO]);
    return 0;
}
