#include "stubs/step/outfile.h"

#include "api/handle.h"
#include "vmm/io/outfile.h"

int step_outfile_write(struct minivmm_machine *machine, const char *name, const char *ending,
                       const char *text, size_t length)
{
    struct outfile file = {0};
    int result = machine_begin_file(&machine->machine, &file, name, ending);

    if (result < 0)
        return result;
    result = outfile_write(&file, text, length);
    if (result < 0) {
        outfile_discard(&file);
        return result;
    }
    return outfile_commit(&file);
}
