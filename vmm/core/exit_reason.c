#include "vmm/core/exit_reason.h"

const struct exit_name exit_names[EXIT_REASONS] = {
    [KVM_EXIT_UNKNOWN] = {"unknown-hardware", "an exit that KVM does not know"},
    [KVM_EXIT_EXCEPTION] = {"exception", "an exception"},
    [KVM_EXIT_IO] = {"io", "port I/O"},
    [KVM_EXIT_DEBUG] = {"debug", "an unexpected breakpoint or single step"},
    [KVM_EXIT_HLT] = {"hlt", "HLT"},
    [KVM_EXIT_MMIO] = {"mmio", "memory-mapped I/O"},
    [KVM_EXIT_IRQ_WINDOW_OPEN] = {"irq-window", "interrupt window"},
    [KVM_EXIT_SHUTDOWN] = {"shutdown", "triple fault"},
    [KVM_EXIT_FAIL_ENTRY] = {"fail-entry", "the processor refused to enter the guest"},
    [KVM_EXIT_INTR] = {"intr", "a signal"},
    [KVM_EXIT_INTERNAL_ERROR] = {"internal-error", "KVM internal error"},
    [KVM_EXIT_SYSTEM_EVENT] = {"system-event", "system event"},
    [KVM_EXIT_X86_RDMSR] = {"rdmsr", "RDMSR"},
    [KVM_EXIT_X86_WRMSR] = {"wrmsr", "WRMSR"},
    [EXIT_REASON_OTHER] = {"other", "an exit that minivmm does not know"},
};

const char *exit_reason_name(uint32_t reason)
{
    return exit_names[exit_reason_index(reason)].name;
}

const char *exit_reason_words(uint32_t reason)
{
    return exit_names[exit_reason_index(reason)].words;
}
