#include "vmm/record/exit_print.h"

#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"

#include <string.h>

static void put_place(struct text *text, const char *word, uint64_t address, unsigned size)
{
    text_append_string(text, word);
    text_append_hex(text, address);
    text_append(text, " ", 1);
    text_append_decimal(text, size);
}

static uint64_t value_of(const void *data, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, data, size <= sizeof(value) ? size : sizeof(value));
    return value;
}

/* Byte elements are usually text, so they are printed as a string; wider elements as hex digits. */
static void put_elements(struct text *text, const uint8_t *data, unsigned size, size_t bytes)
{
    if (size > 1) {
        text_append_bytes(text, data, bytes);
        return;
    }
    text_append(text, "\"", 1);
    text_append_escaped(text, data, bytes);
    text_append(text, "\"", 1);
}

static const uint8_t *io_data(const struct vcpu *vcpu)
{
    return (const uint8_t *)vcpu->run + vcpu->run->io.data_offset;
}

static void put_io(const struct vcpu *vcpu, struct text *text)
{
    const struct kvm_run *run = vcpu->run;
    const bool out = run->io.direction == KVM_EXIT_IO_OUT;
    const bool string = vcpu->io_done != 1;

    put_place(text, string ? (out ? "outs " : "ins ") : (out ? "out " : "in "), run->io.port,
              run->io.size);
    if (!out && !string)
        return;
    text_append(text, " ", 1);
    if (!string)
        text_append_hex(text, value_of(io_data(vcpu), run->io.size));
    else if (out)
        put_elements(text, io_data(vcpu), run->io.size, (size_t)run->io.size * vcpu->io_done);
    else
        text_append_decimal(text, vcpu->io_done);
}

static void put_mmio(const struct kvm_run *run, struct text *text)
{
    put_place(text, run->mmio.is_write ? "store " : "load ", run->mmio.phys_addr, run->mmio.len);
    if (!run->mmio.is_write)
        return;
    text_append(text, " ", 1);
    text_append_hex(text, value_of(run->mmio.data, run->mmio.len));
}

static void put_number(struct text *text, uint64_t value)
{
    text_append(text, " ", 1);
    text_append_decimal(text, value);
}

void exit_print_line(const struct vcpu *vcpu, struct text *text)
{
    const struct kvm_run *run = vcpu->run;

    if (vcpu->id) {
        text_append(text, "@", 1);
        text_append_decimal(text, vcpu->id);
        text_append(text, " ", 1);
    }
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        put_io(vcpu, text);
        return;
    case KVM_EXIT_MMIO:
        put_mmio(run, text);
        return;
    case KVM_EXIT_X86_RDMSR:
        text_append_string(text, "rdmsr ");
        text_append_hex(text, run->msr.index);
        return;
    case KVM_EXIT_X86_WRMSR:
        text_append_string(text, "wrmsr ");
        text_append_hex(text, run->msr.index);
        text_append(text, " ", 1);
        text_append_hex(text, run->msr.data);
        return;
    default:
        break;
    }
    text_append_string(text, exit_reason_name(run->exit_reason));
    if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT)
        put_number(text, run->system_event.type);
    else if (exit_reason_index(run->exit_reason) == EXIT_REASON_OTHER)
        put_number(text, run->exit_reason);
}

static void put_value(struct text *effects, uint64_t value)
{
    text_append_string(effects, "> data ");
    text_append_hex(effects, value);
    text_append(effects, "\n", 1);
}

static void put_io_data(const struct vcpu *vcpu, struct text *effects)
{
    const struct kvm_run *run = vcpu->run;

    if (run->io.direction == KVM_EXIT_IO_OUT)
        return;
    if (vcpu->io_done == 1) {
        put_value(effects, value_of(io_data(vcpu), run->io.size));
        return;
    }
    text_append_string(effects, "> data ");
    put_elements(effects, io_data(vcpu), run->io.size, (size_t)run->io.size * vcpu->io_done);
    text_append(effects, "\n", 1);
}

void exit_print_data(const struct vcpu *vcpu, struct text *effects)
{
    const struct kvm_run *run = vcpu->run;

    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        put_io_data(vcpu, effects);
        break;
    case KVM_EXIT_MMIO:
        if (!run->mmio.is_write)
            put_value(effects, value_of(run->mmio.data, run->mmio.len));
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        if (run->msr.error)
            text_append_string(effects, "> fault\n");
        else if (run->exit_reason == KVM_EXIT_X86_RDMSR)
            put_value(effects, run->msr.data);
        break;
    default:
        break;
    }
}
