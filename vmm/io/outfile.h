/*
 * A file of the guest: always inside the --out directory, and complete or absent.
 *
 * It is written under a temporary name, and renamed when it is complete.
 */
#ifndef VMM_IO_OUTFILE_H
#define VMM_IO_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTFILE_NAME_MAX 200 /* bytes, with the ending that the monitor adds */

struct journal;

struct outfile {
    struct journal *journal; /* NULL: a plain run */
    uint64_t size, hash;     /* of what was written; for the journal */
    int dir_fd;
    int fd;
    char name[OUTFILE_NAME_MAX + 1];
    char temporary[OUTFILE_NAME_MAX + 32];
};

/*
 * May the guest use this name? 1 to OUTFILE_NAME_MAX - 16 bytes of printable ASCII without '/' and
 * '\\', not beginning with '.'. (name) need not end in a 0.
 */
bool outfile_name_allowed(const char *name, size_t length);

/*
 * Begin (name)(ending) in (dir_fd); the name is allowed. Negative errno. (journal): the machine's,
 * for files of devices; a replay writes nothing.
 */
int outfile_begin(struct outfile *file, struct journal *journal, int dir_fd, const char *name,
                  const char *ending);
int outfile_write(struct outfile *file, const void *bytes, size_t length);

/*
 * Rename the file to its own name, after fsync. On failure, as after outfile_discard(), nothing is
 * left.
 */
int outfile_commit(struct outfile *file);
void outfile_discard(struct outfile *file);

#endif
