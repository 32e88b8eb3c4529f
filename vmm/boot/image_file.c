#include "vmm/boot/image_file.h"

#include "vmm/io/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_FIRST (64 * KIB)

static int too_large(const char *path, uint64_t limit, struct error *error)
{
    return error_set(error, -ENOMEM,
                     "%s: the file is larger than the guest's memory, 0x%" PRIx64
                     " bytes; give more with -m",
                     path, limit);
}

/* The size of the first buffer: the size of a pipe is not known. */
static int first_room(const char *path, int fd, uint64_t limit, uint64_t *room, struct error *error)
{
    struct stat status;

    *room = ROOM_FIRST;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return 0;
    if ((uint64_t)status.st_size > limit)
        return too_large(path, limit, error);
    *room = (uint64_t)status.st_size + 1; /* one more, to see the end of the file */
    return 0;
}

/* Read the next bytes of the file. Returns 0 at its end. */
static ssize_t read_some(int fd, struct loader_file *file, uint64_t room)
{
    ssize_t count;

    do
        count = read(fd, file->bytes + file->size, room - file->size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

/* Read to the end of (fd), or one byte more than the limit. */
static int read_all(int fd, uint64_t limit, uint64_t room, struct loader_file *file)
{
    ssize_t count = 1;

    while (count > 0 && file->size <= limit) {
        if (!file->bytes || file->size == room) {
            uint64_t more = file->bytes ? 2 * room : room;
            uint8_t *bytes = realloc(file->bytes, more);

            if (!bytes)
                return -ENOMEM;
            file->bytes = bytes;
            room = more;
        }
        count = read_some(fd, file, room);
        if (count > 0)
            file->size += (uint64_t)count;
    }
    return count < 0 ? (int)count : 0;
}

static int read_open(int fd, uint64_t limit, struct loader_file *file, struct error *error)
{
    uint64_t room;
    int result = first_room(file->path, fd, limit, &room, error);

    if (result < 0)
        return result;
    result = read_all(fd, limit, room, file);
    if (result < 0)
        return error_set(error, result, "%s: %s; give a file that can be read", file->path,
                         strerror(-result));
    if (file->size > limit)
        return too_large(file->path, limit, error);
    if (file->size == 0)
        return error_set(error, -ENOEXEC, "%s: the file is empty; build it first", file->path);
    return 0;
}

int loader_read_file(const char *path, uint64_t limit, struct loader_file *file,
                     struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result;

    *file = (struct loader_file){.path = path};
    if (fd < 0)
        return error_set(error, -errno, "%s: %s; give a file that can be read", path,
                         strerror(errno));
    result = read_open(fd, limit, file, error);
    close(fd);
    if (result < 0)
        loader_free_file(file);
    return result;
}

void loader_free_file(struct loader_file *file)
{
    free(file->bytes);
    file->bytes = NULL;
    file->size = 0;
}

const uint8_t *loader_file_at(const struct loader_file *file, uint64_t offset, uint64_t length)
{
    if (offset > file->size || length > file->size - offset)
        return NULL;
    return file->bytes + offset;
}
