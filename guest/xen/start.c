#include "guest/xen/start.h"

#include "guest/xen/events.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/xen.h"

int xen_init(void)
{
    const struct xen_discovery found = xen_discover();
    int result;

    if (!found.found)
        return -XEN_ENOSYS;
    result = xen_enter(&found);
    if (result == 0)
        result = gnttab_init();
    if (result == 0)
        result = events_init();
    return result;
}
