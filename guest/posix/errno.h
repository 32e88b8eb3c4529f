#include "guest/posix/posix.h"
