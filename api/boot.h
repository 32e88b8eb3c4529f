/*
 * The machine of one boot: created from config and image, or from a checkpoint, up to its first instruction.
 */
#ifndef API_BOOT_H
#define API_BOOT_H

#include "api/handle.h"

/*
 * Create it, attach its stub and, in the first boot, its files of --stats, --record and --trace. After an error the
 * caller calls boot_unload(). (error) is not NULL.
 */
int boot_make(struct minivmm_machine *machine, bool first, struct minivmm_error *error);

/* Set the name of the stub in notices. */
void boot_name_stub(struct minivmm_machine *machine, const char *name);

/* Destroy it; the stub and a domain's peers are notified. Does nothing if there is none. */
void boot_unmake(struct minivmm_machine *machine);

/* Close a domain: its peers are notified, its memory stays. Does nothing if it is closed, or no domain. */
void boot_close_domain(struct minivmm_machine *machine);

/* Detach the stub, then boot_close_domain(). */
void boot_close(struct minivmm_machine *machine);

/* boot_unmake(), and free all else that minivmm_load() and minivmm_restore() created. */
void boot_unload(struct minivmm_machine *machine);

#endif
