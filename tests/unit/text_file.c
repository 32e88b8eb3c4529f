#include "tests/unit/text_file.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void text_file_make(struct text_file *file, const void *bytes, size_t length)
{
    const char *next = bytes;

    file->fd = memfd_create("text_file", MFD_CLOEXEC);
    ck_assert_int_ge(file->fd, 0);
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
    while (length > 0) {
        const ssize_t written = write(file->fd, next, length);

        ck_assert_int_gt(written, 0);
        next += written;
        length -= (size_t)written;
    }
}

void text_file_make_string(struct text_file *file, const char *text)
{
    text_file_make(file, text, strlen(text));
}

void text_file_close(struct text_file *file)
{
    close(file->fd);
    file->fd = -1;
}
