#include "guest/lib/console.h"
#include "guest/lib/format.h"
#include "guest/posix/posix.h"
