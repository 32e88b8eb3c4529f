/* `minivmm info`: the contents of a checkpoint. */
#ifndef VMM_SNAPSHOT_INFO_H
#define VMM_SNAPSHOT_INFO_H

#include "vmm/base/error.h"

#include <stdint.h>

struct device_type;

/*
 * Write the contents of the checkpoint (path) to (fd): machine, devices, vCPUs, memory in use, time
 * and version that saved it. Or, if (gva) is not NULL, how vCPU 0's page tables translate that
 * address: level by level to the gpa, and its offset in the file. (types) are the device types that
 * the checkpoint may name. A negative errno.
 */
int info_print(const char *path, const struct device_type *const *types, const uint64_t *gva,
               int fd, struct error *error);

#endif
