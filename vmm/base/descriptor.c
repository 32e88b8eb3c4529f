#include "vmm/base/descriptor.h"

#include <unistd.h>

void descriptor_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A count of 1 always fits beside what has not been read yet: this does not block. */
void event_raise(int event)
{
    const uint64_t one = 1;

    if (event >= 0 && write(event, &one, sizeof(one)) < 0)
        return;
}

void event_clear(int event)
{
    uint64_t count;

    if (read(event, &count, sizeof(count)) < 0)
        return;
}

uint64_t event_read(int event)
{
    uint64_t count;

    return event >= 0 && read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
