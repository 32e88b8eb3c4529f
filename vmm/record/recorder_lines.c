/* The tape of a recorder: lines of an event put together and handed to the spool. */
#include "vmm/record/recorder_lines.h"

#include "vmm/record/exit_print.h"

#include <string.h>

/* Registers that are news, as the first input. */
static void put_registers(struct tape_registers *registers, struct text *text)
{
    if (registers->news)
        text_put_string(text, "< regs");
    for (unsigned reg = 0; registers->news && reg < VCPU_REGISTERS; reg++) {
        if (!(registers->news & UINT32_C(1) << reg))
            continue;
        text_put(text, " ", 1);
        text_put_string(text, vcpu_register_names[reg]);
        text_put(text, "=", 1);
        text_put_hex(text, registers->values[reg]);
    }
    if (registers->news)
        text_put(text, "\n", 1);
    registers->seen = registers->news = 0;
}

static void write_text(struct tape *tape, struct text *text)
{
    async_file_put(tape->recording->spool, text->bytes, text->used);
    text_clear(text);
}

/* The line that is whole, and the registers behind it. */
static void end_head(struct tape *tape)
{
    text_put(&tape->head, "\n", 1);
    if (tape->vcpu)
        put_registers(&tape->recording->registers[tape->vcpu->id], &tape->head);
}

/* ; DELTA TIME */
static void put_times(struct tape *tape, uint64_t handled)
{
    const int64_t delta = (int64_t)(tape->exited - tape->recording->last_exited);

    text_put(&tape->head, " ; ", 3);
    if (delta < 0)
        text_put(&tape->head, "-", 1);
    text_put_decimal(&tape->head, (uint64_t)(delta < 0 ? -delta : delta));
    text_put(&tape->head, " ", 1);
    if (handled)
        text_put_decimal(&tape->head, handled - tape->exited);
    else
        text_put(&tape->head, "-", 1);
    tape->recording->last_exited = tape->exited;
}

void tape_spill(struct tape *tape)
{
    const struct kvm_run *run = tape->vcpu->run;

    if (run->exit_reason == KVM_EXIT_IO && run->io.count != 1)
        return;
    if (!tape->recording->head_written) {
        const uint32_t done = tape->vcpu->io_done;

        tape->vcpu->io_done = 1; /* it is about to be */
        exit_print_line(tape->vcpu, &tape->head);
        tape->vcpu->io_done = done;
        put_times(tape, 0);
        end_head(tape);
        write_text(tape, &tape->head);
        tape->recording->head_written = true;
    }
    write_text(tape, &tape->inputs);
}

void tape_put_exit(struct tape *tape, uint64_t handled)
{
    tape->recording->exits++;
    exit_print_data(tape->vcpu, &tape->effects);
    if (tape->recording->head_written)
        return;
    exit_print_line(tape->vcpu, &tape->head);
    put_times(tape, handled);
}

void tape_put_typed(struct tape *tape, const char *name, const void *bytes, size_t length)
{
    if (tape->replays)
        return;
    text_put_string(&tape->head, "typed ");
    if (name) {
        text_put_string(&tape->head, name);
        text_put(&tape->head, " ", 1);
    }
    text_put(&tape->head, "\"", 1);
    text_put_escaped(&tape->head, bytes, length);
    text_put(&tape->head, "\"", 1);
}

/* One piece for the spool: two vCPUs' lines never mix. */
void tape_emit(struct tape *tape)
{
    if (tape->head.used)
        end_head(tape);
    else if (!tape->recording->head_written)
        return;
    else if (tape->vcpu) /* looked at after a spill */
        put_registers(&tape->recording->registers[tape->vcpu->id], &tape->inputs);
    tape->recording->failed |= tape->inputs.failed | tape->effects.failed;
    text_put(&tape->head, tape->inputs.bytes, tape->inputs.used);
    text_put(&tape->head, tape->effects.bytes, tape->effects.used);
    tape->recording->failed |= tape->head.failed;
    write_text(tape, &tape->head);
}
