/* Output to a file descriptor: buffered, written by policy; lost bytes are always reported. */
#include "vmm/io/output.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_MS                                                                              \
    100 /* how often (abandoned) is checked, where no signal interrupts the wait */

/* Not an errno: stop waiting for the reader. */
enum { OUTPUT_DROP = 1 };

static bool output_abandoned(const struct output *output)
{
    return output->abandoned && atomic_load_explicit(output->abandoned, memory_order_acquire);
}

/*
 * Wait until a write is possible. For an abandoned output only poll; a signal makes it check
 * (abandoned) again. 0, OUTPUT_DROP or a negative errno.
 */
static int output_wait(const struct output *output)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = output->fd, .events = POLLOUT};
        bool abandoned = output_abandoned(output);
        int ready = poll(&poll_fd, 1, abandoned ? 0 : LOOK_AGAIN_MS);

        if (ready > 0)
            return 0;
        if (ready == 0 && abandoned)
            return OUTPUT_DROP;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
}

/* Write some bytes. Returns their number, 0 to try again, or a negative errno. */
static ssize_t output_write_some(const struct output *output, const char *bytes, size_t length)
{
    ssize_t written = write(output->fd, bytes, length);

    if (written > 0)
        return written;
    if (written == 0)
        return -EIO;
    if (errno == EINTR || errno == EAGAIN)
        return 0;
    return -errno;
}

/* Write the whole buffer: 0, OUTPUT_DROP or a negative errno. */
static int output_write_buffer(const struct output *output)
{
    bool wait =
        false; /* the last try wrote nothing: the reader's buffer is full, or a signal came */
    size_t done = 0;

    while (done < output->used) {
        bool abandoned = output_abandoned(output);

        if (abandoned || wait) {
            int error = output_wait(output);

            if (error)
                return error;
        }

        ssize_t written = output_write_some(output, output->buffer + done, output->used - done);

        if (written < 0)
            return (int)written;
        if (written == 0 && abandoned)
            return OUTPUT_DROP;
        wait = written == 0;
        done += (size_t)written;
    }
    return 0;
}

void output_init(struct output *output, int fd, enum output_policy policy,
                 const atomic_bool *abandoned)
{
    output->fd = fd;
    output->policy = policy;
    output->abandoned = abandoned;
    output->failure = 0;
    output->lost = false;
    output->journal = NULL;
    output->prefix = NULL;
    output->used = 0;
}

void output_set_prefix(struct output *output, const char *prefix)
{
    output->prefix = prefix;
}

void output_set_journal(struct output *output, struct journal *journal,
                        enum journal_operation operation, const char *name)
{
    output->journal = journal;
    output->operation = operation;
    output->name = name;
}

int output_failure(const struct output *output)
{
    return -output->failure;
}

/* Write the buffered bytes. */
static int write_out(struct output *output)
{
    if (!output->failure && output->used) {
        int error = output_write_buffer(output);

        if (error < 0)
            output->failure = -error;
        output->lost |= error == OUTPUT_DROP;
    }
    output->used = 0;
    return -output->failure;
}

/* With a prefix, the buffer holds one line without its newline, for which it has room. */
static int end_line(struct output *output)
{
    output->buffer[output->used++] = '\n';
    return write_out(output);
}

int output_drain(struct output *output)
{
    return output->prefix && output->used ? end_line(output) : write_out(output);
}

/* Replace the result (live) of the host by the one that the journal supplies. */
static int take_result(struct output *output, int live)
{
    int result = journal_supply_result(output->journal, output->operation, live);

    if (result < 0)
        output->failure = -result;
    return result;
}

int output_flush(struct output *output)
{
    const bool later = journal_replays(output->journal) || output->prefix;

    return take_result(output, later ? -output->failure : write_out(output));
}

static bool output_due(const struct output *output, const void *bytes, size_t length)
{
    switch (output->policy) {
    case OUTPUT_AT_ONCE:
        return true;
    case OUTPUT_LINES:
        return memchr(bytes, '\n', length) != NULL;
    case OUTPUT_FULL:
        break;
    }
    return false;
}

/*
 * Buffer bytes of a line, before its newline, as far as room for a newline is left. Returns how
 * many.
 */
static size_t take_line(struct output *output, const char *bytes, size_t length)
{
    const char *newline = memchr(bytes, '\n', length);
    size_t piece = newline ? (size_t)(newline - bytes) : length;
    size_t room;

    if (output->used == 0) {
        output->used = strlen(output->prefix);
        memcpy(output->buffer, output->prefix, output->used);
    }
    room = sizeof(output->buffer) - output->used - 1;
    if (piece > room)
        newline = NULL;
    piece = piece < room ? piece : room;
    memcpy(output->buffer + output->used, bytes, piece);
    output->used += piece;
    if (newline || piece == room)
        end_line(output);
    return piece + (newline != NULL);
}

static int write_lines(struct output *output, const char *bytes, size_t length)
{
    for (size_t done = 0; done < length && !output->failure;)
        done += take_line(output, bytes + done, length - done);
    return -output->failure;
}

static int write_bytes(struct output *output, const void *bytes, size_t length)
{
    const char *next = bytes;
    size_t left = length;

    if (output->fd < 0 || length == 0)
        return -output->failure;
    if (output->prefix)
        return write_lines(output, bytes, length);
    while (left && !output->failure) {
        size_t room = sizeof(output->buffer) - output->used;
        size_t piece = left < room ? left : room;

        memcpy(output->buffer + output->used, next, piece);
        output->used += piece;
        next += piece;
        left -= piece;
        if (output->used == sizeof(output->buffer))
            write_out(output);
    }
    if (!output->failure && output_due(output, bytes, length))
        write_out(output);
    return -output->failure;
}

int output_write(struct output *output, const void *bytes, size_t length)
{
    journal_record_text(output->journal, output, bytes, length);
    return take_result(output,
                       journal_replays(output->journal) ? 0 : write_bytes(output, bytes, length));
}
