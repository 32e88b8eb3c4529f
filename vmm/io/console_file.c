/* Consoles of files: opening them, and the thread that reads files whose reads may block. */
#include "vmm/io/console.h"

#include "vmm/base/descriptor.h"
#include "vmm/base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_output(struct console *console, const char *path, const char *owner,
                       struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);

    if (fd < 0)
        return error_set(error, -errno, "%s: out=%s: %s; name a file that can be written", owner,
                         path, strerror(errno));
    console->output.fd = fd;
    console->output.policy = isatty(fd) ? OUTPUT_AT_ONCE : OUTPUT_LINES;
    return 0;
}

static int open_input(struct console *console, const char *path, const char *owner,
                      struct error *error)
{
    struct stat status = {0};
    int flags = O_RDONLY;
    int fd;

    /* A FIFO that is also open for writing here does not end when one of its writers closes it. */
    if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode) && access(path, W_OK) == 0)
        flags = O_RDWR;
    fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0 || S_ISDIR(status.st_mode)) {
        int code = fd < 0 ? errno : EISDIR;

        if (fd >= 0)
            close(fd);
        return error_set(error, -code, "%s: in=%s: %s; name a file that can be read", owner, path,
                         strerror(code));
    }
    if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))
        console->file = fd;
    else
        console->reader.fd = fd;
    return 0;
}

int console_open(struct console *console, const char *in, const char *out,
                 const atomic_bool *abandoned, const char *owner, struct error *error)
{
    int result = 0;

    console_init(console, -1, OUTPUT_FULL, abandoned);
    if (in)
        result = open_input(console, in, owner, error);
    if (result == 0 && out)
        result = open_output(console, out, owner, error);
    return result;
}

/* Pass on all bytes as room appears. False: the console is closed. */
static bool type_all(struct console *console, const uint8_t *bytes, size_t length)
{
    struct pollfd stop = {.fd = console->reader.stop, .events = POLLIN};
    size_t done = console_type(console, bytes, length);

    while (done < length) {
        if (poll(&stop, 1, CONSOLE_BUSY_MS) > 0)
            return false;
        done += console_type(console, bytes + done, length - done);
    }
    return true;
}

/* Pass on the bytes that can be read now. False at the end of the file. */
static bool read_some(struct console *console)
{
    uint8_t bytes[CONSOLE_INPUT];
    ssize_t count = read(console->reader.fd, bytes, console_room(console));

    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    return type_all(console, bytes, (size_t)count) && count > 0;
}

static void *reader_thread(void *argument)
{
    struct console *console = argument;
    bool more = true;

    while (more) {
        const bool room = console_room(console) > 0;
        struct pollfd waits[] = {
            {.fd = console->reader.stop, .events = POLLIN},
            {.fd = room ? console->reader.fd : -1, .events = POLLIN},
            {.fd = room ? -1 : console->room_event, .events = POLLIN},
        };

        if (poll(waits, sizeof(waits) / sizeof(waits[0]), -1) < 0)
            continue;
        if (waits[0].revents)
            break;
        if (waits[1].revents)
            more = read_some(console);
        if (waits[2].revents)
            event_clear(console->room_event);
    }
    return NULL;
}

int console_start(struct console *console, const char *owner, struct error *error)
{
    struct console_reader *reader = &console->reader;
    int result;

    if (reader->fd < 0)
        return 0;
    reader->stop = eventfd(0, EFD_CLOEXEC);
    console->room_event = eventfd(0, EFD_CLOEXEC);
    result = reader->stop < 0 || console->room_event < 0
                 ? -errno
                 : thread_start(&reader->thread, reader_thread, console);
    if (result == 0)
        return 0;
    descriptor_close(&reader->stop);
    return error_set(error, result, "%s: no thread to read its input: %s", owner,
                     strerror(-result));
}

void console_close(struct console *console)
{
    struct console_reader *reader = &console->reader;

    if (reader->stop >= 0) {
        event_raise(reader->stop);
        pthread_join(reader->thread, NULL);
    }
    descriptor_close(&reader->stop);
    descriptor_close(&reader->fd);
    descriptor_close(&console->room_event);
    descriptor_close(&console->file);
    descriptor_close(&console->output.fd);
    console_finish(console);
}
