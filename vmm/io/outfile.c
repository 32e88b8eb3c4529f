#include "vmm/io/outfile.h"

#include "vmm/base/fnv.h"
#include "vmm/io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTFILE_ENDING_MAX 16 /* bytes that the monitor may add to the guest's name */

bool outfile_name_allowed(const char *name, size_t length)
{
    if (length < 1 || length > OUTFILE_NAME_MAX - OUTFILE_ENDING_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] < ' ' || name[i] > '~' || name[i] == '/' || name[i] == '\\')
            return false;
    return true;
}

/* A rename onto a directory can only fail: report that before anything is written. */
static bool is_directory(int dir_fd, const char *name)
{
    struct stat status;

    return fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* Make the name of the temporary file; file->name is set. */
static int make_temporary(struct outfile *file)
{
    const int dir_fd = file->dir_fd;
    uint64_t unique;

    if (dir_fd < 0)
        return -ENOTDIR;
    if (is_directory(dir_fd, file->name))
        return -EISDIR;
    if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
        return -EIO;
    /* A guest's name never begins with '.', so it never names a temporary file. */
    snprintf(file->temporary, sizeof(file->temporary), ".minivmm-%016" PRIx64, unique);
    do
        file->fd = openat(dir_fd, file->temporary,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    while (file->fd < 0 && errno == EINTR);
    return file->fd < 0 ? -errno : 0;
}

int outfile_begin(struct outfile *file, struct journal *journal, int dir_fd, const char *name,
                  const char *ending)
{
    const int length = snprintf(file->name, sizeof(file->name), "%s%s", name, ending);

    file->journal = journal;
    file->size = 0;
    file->hash = FNV_START;
    file->dir_fd = dir_fd;
    file->fd = -1;
    if (length < 0 || (size_t)length >= sizeof(file->name))
        return -ENAMETOOLONG;
    return journal_supply_result(journal, JOURNAL_FILE,
                                 journal_replays(journal) ? 0 : make_temporary(file));
}

static int write_all(const struct outfile *file, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t written = write(file->fd, next, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        if (written == 0)
            return -EIO;
        next += written;
        length -= (size_t)written;
    }
    return 0;
}

int outfile_write(struct outfile *file, const void *bytes, size_t length)
{
    if (journal_is_open(file->journal)) {
        file->hash = fnv_add(file->hash, bytes, length);
        file->size += length;
    }
    return journal_supply_result(file->journal, JOURNAL_FILE,
                                 journal_replays(file->journal) ? 0
                                                                : write_all(file, bytes, length));
}

/* A kick of the vCPU that writes the file may interrupt the wait. */
static int synchronize(int fd)
{
    int result;

    do
        result = fsync(fd);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static int give_name(const struct outfile *file)
{
    int result = synchronize(file->fd);

    if (result == 0 && renameat(file->dir_fd, file->temporary, file->dir_fd, file->name) < 0)
        result = -errno;
    return result;
}

int outfile_commit(struct outfile *file)
{
    const int live = journal_replays(file->journal) ? 0 : give_name(file);
    const int result = journal_supply_result(file->journal, JOURNAL_FILE, live);

    if (result < 0) {
        outfile_discard(file);
        return result;
    }
    journal_record_file(file->journal, file->name, file->size, file->hash);
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    return 0;
}

void outfile_discard(struct outfile *file)
{
    if (file->fd < 0)
        return;
    unlinkat(file->dir_fd, file->temporary, 0);
    close(file->fd);
    file->fd = -1;
}
