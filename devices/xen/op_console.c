/*
 * HYPERVISOR_console_io: what the guest writes goes to its machine's console by whole lines, so that two
 * domains' never mix within one.
 */
#include "devices/xen/domain.h"

#include <errno.h>

#define WRITE_MAX  (64u * 1024) /* bytes of one call; Xen takes more, bit by bit */
#define CHUNK      256u
#define DELETE     0x7f
#define SUBSTITUTE '?'

/* What a terminal would obey is not shown. */
static char shown(char byte)
{
    const unsigned char code = (unsigned char)byte;

    return (code < ' ' && byte != '\t') || code == DELETE ? SUBSTITUTE : byte;
}

static void show_line(struct xen_domain *domain)
{
    int result = 0;

    for (unsigned i = 0; result == 0 && i < domain->line_length; i++)
        result = console_put(&domain->machine->console, (uint8_t)domain->line[i]);
    if (result == 0)
        result = console_put(&domain->machine->console, '\n');
    domain->line_length = 0;
    if (result < 0)
        machine_end(domain->machine, OUTCOME_OUTPUT, 0);
}

void xen_console_flush(struct xen_domain *domain)
{
    if (domain->line_length)
        show_line(domain);
}

static void put_text(struct xen_domain *domain, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\n')
            domain->line[domain->line_length++] = shown(bytes[i]);
        if (bytes[i] == '\n' || domain->line_length == XEN_CONSOLE_LINE_MAX)
            show_line(domain);
    }
}

static int64_t write_text(struct xen_call *call, uint64_t text, uint64_t length)
{
    struct xen_domain *domain = call->domain;
    char chunk[CHUNK];

    if (length > WRITE_MAX)
        return -E2BIG;
    for (uint64_t done = 0; done < length; done += CHUNK) {
        const uint64_t piece = length - done < CHUNK ? length - done : CHUNK;

        if (xen_copy_from_guest(call, chunk, text + done, piece) < 0)
            return -EFAULT;
        pthread_mutex_lock(&domain->lock);
        put_text(domain, chunk, piece);
        pthread_mutex_unlock(&domain->lock);
    }
    return 0;
}

int64_t xen_op_console(struct xen_call *call)
{
    switch (call->arguments[0]) {
    case CONSOLEIO_write:
        return write_text(call, call->arguments[2], call->arguments[1]);
    case CONSOLEIO_read: /* nothing is ever typed here */
        return 0;
    default:
        return -ENOSYS;
    }
}
