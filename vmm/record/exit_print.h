/*
 * Printing exits as lines of an exit stream, from the run page of the vCPU that handled them.
 */
#ifndef VMM_RECORD_EXIT_PRINT_H
#define VMM_RECORD_EXIT_PRINT_H

#include "vmm/base/text.h"

struct vcpu;

/* Append the line of the exit, without its times and without a newline. */
void exit_print_line(const struct vcpu *vcpu, struct text *text);

/* Append the line of what the exit returned to the guest: "> data …" or "> fault". None for writes. */
void exit_print_data(const struct vcpu *vcpu, struct text *effects);

#endif
