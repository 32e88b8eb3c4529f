/*
 * Making a machine as the command line says, up to its first instruction.
 */
#ifndef VMM_RUN_START_H
#define VMM_RUN_START_H

#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/outcome.h"
#include "vmm/plan.h"

/* What a machine with that (plan) is made with; its console is stdout. */
void run_configure(const struct options *options, const struct plan *plan,
                   struct machine_config *config);

/* A machine that cannot be made, with that negative errno: because of an option, or otherwise. */
enum outcome run_setup_outcome(int result);

/*
 * The created (machine) gets its devices, its guest and its VM: OUTCOME_NONE, or what an error in one
 * of these comes to.
 */
enum outcome run_start(struct machine *machine, const struct options *options,
                       const struct plan *plan, struct error *error);

#endif
