/*
 * The stub `marss`: ptlcalls as MARSSx86 has them, and nothing more. Simulation is a switch that guests set
 * and ask for; they run at full speed either way.
 */
#include "stubs/marss.h"

const struct minivmm_stub stub_type_marss = {
    .abi = MINIVMM_ABI,
    .name = "marss",
    .help = "serve ptlcalls as docs/ptlcall.md says; the guest runs at full speed",
};
