/* HYPERVISOR_console_io: text from the guest goes to its machine's console. */
#include "devices/xen/ops.h"

#include <errno.h>

#define WRITE_MAX (64u * 1024) /* bytes of one call; Xen accepts more, in pieces */
#define CHUNK     256u

static int64_t write_text(struct xen_call *call, uint64_t text, uint64_t length)
{
    char chunk[CHUNK];

    if (length > WRITE_MAX)
        return -E2BIG;
    for (uint64_t done = 0; done < length; done += CHUNK) {
        const uint64_t piece = length - done < CHUNK ? length - done : CHUNK;

        if (xen_copy_from_guest(call, chunk, text + done, piece) < 0)
            return -EFAULT;
        xen_domain_show_text(call->domain, chunk, piece);
    }
    return 0;
}

int64_t xen_op_console(struct xen_call *call)
{
    switch (call->arguments[0]) {
    case CONSOLEIO_write:
        return write_text(call, call->arguments[2], call->arguments[1]);
    case CONSOLEIO_read: /* the console has no input */
        return 0;
    default:
        return -ENOSYS;
    }
}
