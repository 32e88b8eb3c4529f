#include "guest/lib/string.h"
#include "guest/posix/posix.h"
