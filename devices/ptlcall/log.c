#include "devices/ptlcall/log.h"

#include "vmm/base/descriptor.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRINT_MAX   256
#define ESCAPE_STEP 64 /* bytes escaped at a time */

int ptlcall_log_open(struct ptlcall_log *log, const char *path, int fd,
                     const atomic_bool *abandoned, struct error *error)
{
    log->own_fd = -1;
    log->on = path || fd >= 0;
    output_init(&log->output, fd, OUTPUT_LINES, abandoned);
    if (!path)
        return 0;
    log->own_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (log->own_fd < 0)
        return error_set(error, -errno,
                         "ptlcall log %s: %s; name a file in a directory that you may write to",
                         path, strerror(errno));
    output_init(&log->output, log->own_fd, OUTPUT_FULL, abandoned);
    return 0;
}

int ptlcall_log_close(struct ptlcall_log *log)
{
    int result = ptlcall_log_flush(log);

    descriptor_close(&log->own_fd);
    log->on = false;
    return result;
}

int ptlcall_log_flush(struct ptlcall_log *log)
{
    return log->on ? output_flush(&log->output) : 0;
}

int ptlcall_log_failure(const struct ptlcall_log *log)
{
    return output_failure(&log->output);
}

void ptlcall_log_print(struct ptlcall_log *log, const char *format, ...)
{
    char text[PRINT_MAX];
    va_list arguments;
    int length;

    if (!log->on)
        return;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof(text))
        length = sizeof(text) - 1;
    output_write(&log->output, text, (size_t)length);
}

static void print_escaped(struct ptlcall_log *log, const char *text, size_t length)
{
    char escaped[ESCAPE_STEP * TEXT_ESCAPE_MAX];
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        used += text_escape(&escaped[used], text[i]);
        if (used > sizeof(escaped) - TEXT_ESCAPE_MAX || i + 1 == length) {
            output_write(&log->output, escaped, used);
            used = 0;
        }
    }
}

void ptlcall_log_text(struct ptlcall_log *log, const char *key, const char *text, size_t length)
{
    if (!log->on)
        return;
    ptlcall_log_print(log, " %s=\"", key);
    print_escaped(log, text, length);
    ptlcall_log_print(log, "\"");
}

void ptlcall_log_word(struct ptlcall_log *log, const char *key, const char *text, size_t length)
{
    if (!log->on)
        return;
    ptlcall_log_print(log, " %s=", key);
    print_escaped(log, text, length);
}
