/*
 * `minivmm info`: what is in a checkpoint.
 */
#ifndef VMM_SNAPSHOT_INFO_H
#define VMM_SNAPSHOT_INFO_H

#include "vmm/base/error.h"

#include <stdint.h>

struct device_type;

/*
 * Write to (fd) what the checkpoint (path) holds: machine, devices, vCPUs, memory in use, when it was
 * saved and by which version. Or, if (gva) is not NULL, how vCPU 0's page tables translate that
 * address: level by level to the gpa, and its offset in the file. A negative errno.
 * (types) are the device types that it may name.
 */
int info_print(const char *path, const struct device_type *const *types, const uint64_t *gva,
               int fd, struct error *error);

#endif
