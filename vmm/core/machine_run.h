/*
 * The life of a machine: create, make its VM, run, finish, destroy.
 */
#ifndef VMM_CORE_MACHINE_RUN_H
#define VMM_CORE_MACHINE_RUN_H

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct machine_config;

/* Make memory, buses, console and vCPUs. On failure nothing is left. */
int machine_init(struct machine *machine, const struct machine_config *config, struct error *error);

/*
 * Fill the VM that kvm_open() made in machine->kvm: memory, vCPUs and the CPUID leaves of the
 * devices, which must exist already. Freezes the buses. -EINVAL: more vCPUs than KVM supports.
 */
int machine_make_vm(struct machine *machine, struct error *error);

/*
 * Run until the machine ends, with vCPU 0 on the calling thread. machine_outcome() returns how it
 * ended.
 */
void machine_run(struct machine *machine);

/*
 * After the run: write all buffered output. A negative errno with its sentence if that fails, so
 * that a full disk is not reported as success.
 */
int machine_flush(struct machine *machine, struct error *error);

/* Free all that machine_init() and machine_make_vm() made. No vCPU may run. */
void machine_finish(struct machine *machine);

/*
 * Do all vCPUs sleep with nothing that could wake them? Then the guest has ended itself. Called
 * periodically from another thread, for a machine with an in-kernel interrupt controller; without
 * one, HLT is an exit. It brings the vCPUs to rest meanwhile.
 */
bool machine_sleeps_for_ever(struct machine *machine);

/*
 * Exits so far of all vCPUs, by exit_reason_index(): (counts) has EXIT_REASONS elements. Any
 * thread.
 */
void machine_count_exits(struct machine *machine, uint64_t *counts);

#endif
