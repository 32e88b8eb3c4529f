#include "tests/unit/replay_file.h"

#include "devices/types.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

void replay_file(const struct text_file *file, struct replay_result *result)
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
    struct text_file file;

    text_file_make(&file, bytes, length);
    replay_file(&file, result);
    text_file_close(&file);
}

void replay_text(const char *text, struct replay_result *result)
{
    replay_bytes(text, strlen(text), result);
}
