/* What is typed, on its way from stdin to a console. */
#include "vmm/host/host_parts.h"

#include "vmm/core/machine.h"
#include "vmm/io/console.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CTRL_A 1

/* A terminal is made raw only if we are in its foreground; else it is not ours to read. */
void host_prepare_input(struct host *host)
{
    struct termios raw;

    host->input = STDIN_FILENO;
    if (tcgetattr(STDIN_FILENO, &host->saved) < 0)
        return;
    if (tcgetpgrp(STDIN_FILENO) != getpgrp()) {
        host->input = -1;
        return;
    }
    raw = host->saved;
    cfmakeraw(&raw);
    raw.c_oflag = host->saved.c_oflag; /* a newline on stdout stays one */
    host->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    if (host->raw)
        machine_notice(host->machines[0].machine, "Ctrl-A x ends the guest");
}

void host_restore_input(const struct host *host)
{
    if (host->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &host->saved);
}

/* Ctrl-A x ends the guest, Ctrl-A c lets it go on, Ctrl-A twice is one Ctrl-A; what else follows it is typed as it is. */
static bool is_typed(struct host *host, uint8_t byte)
{
    if (!host->raw)
        return true;
    if (!host->escape) {
        host->escape = byte == CTRL_A;
        return !host->escape;
    }
    host->escape = false;
    if (byte == 'x')
        host_end_machines(host);
    if (byte == 'c')
        host_go_on(host);
    return byte != 'x' && byte != 'c';
}

void host_read_input(struct host *host)
{
    uint8_t bytes[256];
    size_t room = HOST_PENDING - host->pending_count;
    /* A terminal is read even when nobody takes the bytes, or Ctrl-A x would go unseen. */
    size_t wanted = host->raw || room > sizeof(bytes) ? sizeof(bytes) : room;
    ssize_t count = read(host->input, bytes, wanted);

    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0) {
        host->input = -1;
        return;
    }
    for (ssize_t i = 0; i < count; i++)
        if (is_typed(host, bytes[i]) && host->pending_count < HOST_PENDING)
            host->pending[host->pending_count++] = bytes[i];
}

void host_hand_over_input(struct host *host, struct console *console)
{
    size_t taken = console ? console_type(console, host->pending, host->pending_count) : 0;

    host->pending_count -= taken;
    memmove(host->pending, host->pending + taken, host->pending_count);
}
