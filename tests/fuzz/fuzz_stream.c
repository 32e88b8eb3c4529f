/*
 * Fuzzing of exit streams: whatever a file holds, it is replayed or refused in a sentence.
 */
#include "devices/types.h"
#include "vmm/replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "exit stream: %s\n", what);
    abort();
}

/* All tests, also after one that differs or is refused. */
static void replay_all(const char *path)
{
    struct error error = {""};
    struct replay replay;
    int result = replay_open(&replay, path, device_types, &error);

    if (result < 0) {
        require(error.text[0], "refused without a sentence");
        return;
    }
    while ((result = replay_next(&replay, &error)) != 0) {
        if (result == -EDOM)
            require(replay.difference.used > 0, "a difference that is not told");
        else if (result < 0)
            require(error.text[0], "refused without a sentence");
        if (result < 0 && result != -EDOM && result != -EINVAL)
            break;
        error.text[0] = '\0';
    }
    replay_close(&replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("stream", MFD_CLOEXEC);
    char path[32];

    require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "no file");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    replay_all(path);
    close(fd);
    return 0;
}
