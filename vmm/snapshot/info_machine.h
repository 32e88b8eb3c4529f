/*
 * `minivmm info`: the parts that do not depend on a vCPU: the machine that was saved, its devices, its memory, and
 * the notes of the file.
 *
 * Each function writes its part to (out). The file is untrusted: its texts are written with text_escape(). A
 * function that can fail returns 0, or a negative errno with the sentence "FILE: …".
 */
#ifndef VMM_SNAPSHOT_INFO_MACHINE_H
#define VMM_SNAPSHOT_INFO_MACHINE_H

#include "vmm/base/error.h"
#include "vmm/snapshot/restore.h"

#include <stdio.h>

/* The time and version that saved it, and the machine's memory, vCPUs and interrupt controllers. */
int info_write_machine(const struct restore *file, FILE *out, struct error *error);

/* A line for each device. */
int info_write_devices(const struct restore *file, FILE *out, struct error *error);

/* The ranges of memory that are in the file. */
void info_write_memory(const struct restore *file, FILE *out);

/* How many notes of each kind there are, and their bytes. */
void info_write_notes(const struct restore *file, FILE *out);

#endif
