/* The built-in stubs. The first is the preset. */
#include "stubs/types.h"

#include "stubs/marss.h"
#include "stubs/step/step.h"

const struct minivmm_stub *const stub_types[] = {
    &stub_type_marss,
    &stub_type_step,
    NULL,
};
