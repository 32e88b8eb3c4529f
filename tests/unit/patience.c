#include "tests/unit/patience.h"

#include <stdlib.h>

#define TEST_SECONDS "120"
#define PATIENCE_MS  60000

static const char *factor(void)
{
    const char *factor = getenv("TIMEOUT_FACTOR");

    return factor && atof(factor) > 0 ? factor : "1";
}

void patience_init(void)
{
    setenv("CK_DEFAULT_TIMEOUT", TEST_SECONDS, 0);
    setenv("CK_TIMEOUT_MULTIPLIER", factor(), 0);
}

unsigned patience_ms(void)
{
    return (unsigned)(PATIENCE_MS * atof(factor()));
}
