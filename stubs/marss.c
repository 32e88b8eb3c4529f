/*
 * The stub `marss`: ptlcalls as in MARSSx86, and nothing else. Simulation is a flag that guests set
 * and read; they always run at full speed.
 */
#include "stubs/marss.h"

const struct minivmm_stub stub_type_marss = {
    .abi = MINIVMM_ABI,
    .name = "marss",
    .help = "serve ptlcalls as docs/ptlcall.md says; the guest runs at full speed",
};
