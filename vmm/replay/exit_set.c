/* An exit of a stream as KVM would have left it in the run page. */
#include "vmm/record/exit_parse.h"

#include "vmm/core/vcpu.h"

#include <string.h>

/* KVM puts the data of a port exit behind the structure. */
#define IO_DATA_OFFSET 4096

static void set_io(const struct stream_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)run + IO_DATA_OFFSET;

    run->io.direction = event->write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    run->io.size = (uint8_t)event->size;
    run->io.port = (uint16_t)event->address;
    run->io.count = event->count;
    run->io.data_offset = IO_DATA_OFFSET;
    if (event->write && event->string)
        memcpy(data, event->text.bytes, event->text.used);
    else if (event->write)
        memcpy(data, &event->value, event->size);
}

static void set_mmio(const struct stream_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    run->mmio.phys_addr = event->address;
    run->mmio.len = event->size;
    run->mmio.is_write = event->write;
    memcpy(run->mmio.data, &event->value, sizeof(run->mmio.data));
}

void stream_set_exit(const struct stream_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    run->exit_reason = event->reason;
    switch (event->reason) {
    case KVM_EXIT_IO:
        set_io(event, vcpu);
        break;
    case KVM_EXIT_MMIO:
        set_mmio(event, vcpu);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        run->system_event.type = (uint32_t)event->value;
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        run->msr.index = (uint32_t)event->address;
        run->msr.data = event->value;
        run->msr.error = 0;
        break;
    default:
        break;
    }
}
