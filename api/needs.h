/*
 * What an option of a machine needs of the host, beyond what each run needs; see vmm/base/host_needs.h.
 * The needs of a device are in its type.
 */
#ifndef API_NEEDS_H
#define API_NEEDS_H

struct option_needs {
    const char *option; /* its name on the command line; NULL ends the table */
    unsigned needs;     /* HOST_NEED() bits */
};

/* Options that are not listed need nothing. */
extern const struct option_needs option_needs[];

#endif
