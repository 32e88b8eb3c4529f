/*
 * The log of ptlcall: lines of `ptlcall N key=value …`, built piece by piece.
 *
 * Text from the guest goes through ptlcall_log_text() or ptlcall_log_word(), so that a guest can
 * never end a line or a value. A log without a reader is off: nothing is formatted.
 */
#ifndef DEVICES_PTLCALL_LOG_H
#define DEVICES_PTLCALL_LOG_H

#include "vmm/base/error.h"
#include "vmm/io/output.h"

#include <stdbool.h>
#include <stddef.h>

struct ptlcall_log {
    bool on;
    int own_fd; /* closed by ptlcall_log_close(); -1: not owned */
    struct output output;
};

/*
 * Log to the file (path), which is truncated, or with path NULL to (fd), unless that is -1.
 * (abandoned) is as in struct output.
 */
int ptlcall_log_open(struct ptlcall_log *log, const char *path, int fd,
                     const atomic_bool *abandoned, struct error *error);

/* Write out the buffer, and close. 0, or the negative errno of the first failed write. */
int ptlcall_log_close(struct ptlcall_log *log);
int ptlcall_log_flush(struct ptlcall_log *log);

/* The negative errno of the first failed write, or 0. */
int ptlcall_log_failure(const struct ptlcall_log *log);

/* Append the monitor's own text: at most 255 bytes. */
void ptlcall_log_print(struct ptlcall_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Append ` key="text"`, with \n \t \" \\ and \xNN for bytes that are not printable ASCII. The key
 * is the monitor's own.
 */
void ptlcall_log_text(struct ptlcall_log *log, const char *key, const char *text, size_t length);

/* The same without quotes, for a word with no space in it. */
void ptlcall_log_word(struct ptlcall_log *log, const char *key, const char *text, size_t length);

#endif
