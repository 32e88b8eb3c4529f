#include "stubs/step/files.h"

#include "stubs/step/options.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int step_file_open(struct step_file *file, const char *path, struct error *error)
{
    int fd = -1;

    file->path = path;
    file->reported = false;
    if (path) {
        do
            fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        while (fd < 0 && errno == EINTR);
        if (fd < 0) {
            const int code = -errno;

            output_init(&file->output, -1, OUTPUT_FULL, NULL);
            return error_set(error, code, STEP_OWNER ": %s: %s; name a file that can be written",
                             path, strerror(-code));
        }
    }
    output_init(&file->output, fd, OUTPUT_FULL, NULL);
    return 0;
}

bool step_file_has_failed(struct step_file *file, struct error *error)
{
    const int failure = output_failure(&file->output);

    if (!failure || file->reported)
        return false;
    file->reported = true;
    error_set(error, failure, "%s: %s: the rest is lost", file->path, strerror(-failure));
    return true;
}

void step_file_close(struct step_file *file)
{
    output_drain(&file->output);
    if (file->output.fd >= 0 && close(file->output.fd) < 0 && !file->output.failure)
        file->output.failure = errno;
    file->output.fd = -1;
}

/* The public header has no function for this, so it uses the vCPU's internal struct. */
static struct machine *machine_of(struct minivmm_machine *machine)
{
    const struct vcpu *vcpu = (const void *)minivmm_vcpu(machine, 0);

    return vcpu->machine;
}

int step_file_write_named(struct minivmm_machine *machine, const char *name, const char *ending,
                          const char *text, size_t length)
{
    struct outfile file = {0};
    int result = machine_begin_file(machine_of(machine), &file, name, ending);

    if (result < 0)
        return result;
    result = outfile_write(&file, text, length);
    if (result < 0) {
        outfile_discard(&file);
        return result;
    }
    return outfile_commit(&file);
}
