/*
 * The parts of `minivmm info`, for vmm/info*.c alone.
 *
 * All of them write to (out) what the checkpoint holds. It is untrusted: what it says in words is
 * written with text_escape(). A negative errno comes with the sentence "FILE: …".
 */
#ifndef VMM_SNAPSHOT_INFO_PARTS_H
#define VMM_SNAPSHOT_INFO_PARTS_H

#include "vmm/base/error.h"
#include "vmm/core/paging.h"
#include "vmm/io/memory.h"
#include "vmm/snapshot/kvm_state.h"
#include "vmm/snapshot/restore.h"

#include <stdint.h>
#include <stdio.h>

struct info {
    const char *path;
    struct restore file;
    struct memory memory; /* the file's */
    FILE *out;
};

/* When it was saved, the machine, its devices, its memory, its notes. */
int info_write_machine(const struct info *info, struct error *error);
int info_write_devices(const struct info *info, struct error *error);
void info_write_memory(const struct info *info);
void info_write_notes(const struct info *info);

/* All vCPUs: what runs there and where. */
int info_write_vcpus(const struct info *info, struct error *error);

/* How the page tables of vCPU 0 translate (address). That they do not is no error. */
int info_write_translation(const struct info *info, gva_t address, struct error *error);

/* The state of vCPU (id). */
int info_read_vcpu(const struct info *info, unsigned id, struct kvm_vcpu_state *state,
                   struct error *error);
/* Where (address) is in the file. */
enum info_place {
    INFO_IN_FILE, /* at *offset */
    INFO_ZERO,    /* not there, as it is zero */
    INFO_NO_RAM,
};
enum info_place info_find(const struct info *info, gpa_t address, uint64_t *offset);

#endif
