/* Write the page of a stream to a file. html_reader reads the stream. */
#include "vmm/html/html.h"

#include "vmm/html/html_reader.h"
#include "vmm/html/html_template.h"
#include "vmm/io/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path, int code, struct error *error)
{
    return error_set(error, code, "%s: %s; name a file that can be written with -o", path,
                     strerror(-code));
}

/*
 * A rename replaces an existing file. That may be an older page, but not a device, and not the
 * recording itself.
 */
static int check_target(const char *stream_path, const char *out_path, struct error *error)
{
    struct stat target, stream;

    if (lstat(out_path, &target) < 0)
        return errno == ENOENT ? 0 : cannot_write(out_path, -errno, error);
    if (!S_ISREG(target.st_mode))
        return error_set(error, -EINVAL, "%s is not a regular file; name another with -o",
                         out_path);
    if (stat(stream_path, &stream) == 0 && stream.st_dev == target.st_dev &&
        stream.st_ino == target.st_ino)
        return error_set(error, -EINVAL, "%s is the recording itself; name another file with -o",
                         out_path);
    return 0;
}

/* Open the directory of (path), for openat(), and find its last component. */
static int open_folder(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    int fd;

    *name = slash ? slash + 1 : path;
    if (!slash)
        fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    else if ((size_t)(slash - path) + 2 > sizeof(folder))
        return -ENAMETOOLONG;
    else {
        snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
        fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

static int write_whole(const char *path, const struct text *html, struct error *error)
{
    struct outfile file = {.fd = -1};
    const char *name;
    int folder = open_folder(path, &name);
    int result = folder < 0 ? folder : outfile_begin(&file, NULL, folder, name, "");

    if (result == 0) {
        result = outfile_write(&file, html->bytes, html->used);
        if (result == 0)
            result = outfile_commit(&file);
        else
            outfile_discard(&file);
    }
    if (folder >= 0)
        close(folder);
    return result < 0 ? cannot_write(path, result, error) : 0;
}

int html_write(const char *stream_path, const char *out_path, struct error *error)
{
    struct text data = {0}, html = {0};
    uint64_t unique;
    char nonce[17];
    int result = check_target(stream_path, out_path, error);

    if (result == 0)
        result = html_read(stream_path, &data, error);
    if (result == 0 && getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
        result = error_set(error, -EIO, "%s: the host gives no random number", out_path);
    if (result == 0) {
        snprintf(nonce, sizeof(nonce), "%016" PRIx64, unique);
        html_template_fill(&data, nonce, &html);
        if (html.failed)
            result = error_set(error, -ENOMEM, "%s: out of memory", out_path);
    }
    if (result == 0)
        result = write_whole(out_path, &html, error);
    text_free(&data);
    text_free(&html);
    return result;
}
