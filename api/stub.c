/* Functions for stubs, in callbacks and elsewhere. */
#include "api/handle.h"

#include "vmm/core/callback.h"
#include "vmm/step/decode.h"
#include "vmm/step/step_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_CALL (-22)

_Static_assert(INSTRUCTION_MAX == 15, "minivmm_fetch() has room for an instruction");

int64_t minivmm_call_default(struct minivmm_call *call)
{
    return call ? stub_call_default(call) : NO_CALL;
}

unsigned minivmm_fetch(struct minivmm_vcpu *handle, uint8_t bytes[15])
{
    struct vcpu *vcpu = vcpu_behind(handle);

    if (!vcpu || !callback_is_here(vcpu) || !vcpu->callback_registers)
        return 0;
    if (!vcpu->registers_valid && vcpu_fetch_registers(vcpu, NULL) < 0)
        return 0;
    return step_fetch(vcpu, bytes);
}

void minivmm_notice(struct minivmm_machine *machine, const char *format, ...)
{
    char name[sizeof(machine->stub_name)];
    char text[MINIVMM_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_rwlock_rdlock(&machine->lock);
    memcpy(name, machine->stub_name, sizeof(name));
    pthread_rwlock_unlock(&machine->lock);
    /* The machine of this boot may not exist; the config does. */
    if (machine->config.message_fd >= 0)
        dprintf(machine->config.message_fd, "minivmm: %s%s%s%s\n",
                machine->config.name ? machine->config.name : "", name, *name ? ": " : "", text);
}

int minivmm_error_set(struct minivmm_error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}
