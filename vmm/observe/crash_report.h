/*
 * The crash report: what a person needs to see why a vCPU cannot go on.
 */
#ifndef VMM_OBSERVE_CRASH_REPORT_H
#define VMM_OBSERVE_CRASH_REPORT_H

#include <stdio.h>

struct machine;
struct vcpu;

/*
 * Write to (file) what the last exit of (vcpu) was, in words, its registers, the instruction at
 * RIP, and the last exits before. The vCPU is at rest; registers are shown if registers_valid.
 */
void crash_report_write(struct machine *machine, struct vcpu *vcpu, FILE *file);

#endif
