#include "tests/unit/stream_file.h"

#include "devices/types.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void stream_file_make(struct stream_file *file, const void *bytes, size_t length)
{
    const char *next = bytes;

    file->fd = memfd_create("stream", MFD_CLOEXEC);
    ck_assert_int_ge(file->fd, 0);
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
    while (length > 0) {
        const ssize_t written = write(file->fd, next, length);

        ck_assert_int_gt(written, 0);
        next += written;
        length -= (size_t)written;
    }
}

void stream_file_make_text(struct stream_file *file, const char *text)
{
    stream_file_make(file, text, strlen(text));
}

void stream_file_close(struct stream_file *file)
{
    close(file->fd);
    file->fd = -1;
}

/* Sentences name the file first, whose path is another in each test. */
static void keep_sentence(struct replay_result *result, const char *path, const char *text,
                          size_t length)
{
    const size_t prefix = strlen(path) + 1;

    ck_assert_msg(length > prefix && memcmp(text, path, prefix - 1) == 0, "%.*s", (int)length,
                  text);
    snprintf(result->sentence, sizeof(result->sentence), "%.*s", (int)(length - prefix),
             text + prefix);
}

void stream_file_replay(const struct stream_file *file, struct replay_result *result)
{
    struct error error = {""};
    struct replay replay;

    memset(result, 0, sizeof(*result));
    result->result = replay_open(&replay, file->path, device_types, &error);
    if (result->result < 0) {
        keep_sentence(result, file->path, error.text, strlen(error.text));
        return;
    }
    while ((result->result = replay_next(&replay, &error)) > 0)
        result->tests++;
    result->tests += result->result < 0;
    if (result->result == -EDOM)
        keep_sentence(result, file->path, replay.difference.bytes, replay.difference.used);
    else if (result->result < 0)
        keep_sentence(result, file->path, error.text, strlen(error.text));
    else
        result->result = 1;
    result->broken_off = replay_is_broken_off(&replay);
    result->exits = replay.all_exits;
    result->effects = replay.all_effects;
    memcpy(result->name, replay.name, sizeof(result->name));
    replay_close(&replay);
}

void replay_bytes(const void *bytes, size_t length, struct replay_result *result)
{
    struct stream_file file;

    stream_file_make(&file, bytes, length);
    stream_file_replay(&file, result);
    stream_file_close(&file);
}

void replay_text(const char *text, struct replay_result *result)
{
    replay_bytes(text, strlen(text), result);
}
