/*
 * The machine of one boot: made as config and image, or a checkpoint, say, up to its first instruction.
 */
#ifndef API_BOOT_H
#define API_BOOT_H

#include "api/handle.h"

/*
 * Make it: with its stub attached, and in the first boot, with what watches it. What an error leaves is
 * for boot_unload(). (error) is not NULL.
 */
int boot_make(struct minivmm_machine *machine, bool first, struct minivmm_error *error);

/* What notices call the stub. */
void boot_name_stub(struct minivmm_machine *machine, const char *name);

/* Take it apart again: the stub hears of it, a domain's peers too. Nothing if there is none. */
void boot_unmake(struct minivmm_machine *machine);

/* A domain is gone for its peers, but its memory stays. Nothing if it is gone, or is none. */
void boot_close_domain(struct minivmm_machine *machine);

/* The same, behind the stub's last callback. */
void boot_close(struct minivmm_machine *machine);

/* And what else minivmm_load() and minivmm_restore() made. */
void boot_unload(struct minivmm_machine *machine);

#endif
