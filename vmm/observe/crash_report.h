/* The crash report: the state that explains why a vCPU cannot continue. */
#ifndef VMM_OBSERVE_CRASH_REPORT_H
#define VMM_OBSERVE_CRASH_REPORT_H

#include <stdio.h>

struct machine;
struct vcpu;

/*
 * Write to (file) the last exit of (vcpu), in words, its registers, the instruction at RIP, and the
 * exits before. The vCPU is at rest; registers are written if registers_valid.
 */
void crash_report_write(struct machine *machine, struct vcpu *vcpu, FILE *file);

#endif
