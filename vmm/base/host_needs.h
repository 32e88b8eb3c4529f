/*
 * What a feature needs of the host once the guest runs, beyond what each run needs: files, descriptors,
 * threads and system calls. Device types (struct device_type) and options of the command line declare
 * their needs as a set of these; a sandbox can be made from the table.
 */
#ifndef VMM_BASE_HOST_NEEDS_H
#define VMM_BASE_HOST_NEEDS_H

enum host_need {
    HOST_RUN,         /* what each run of a guest needs; nobody declares it */
    HOST_READ_FILE,   /* a file that is opened before the guest runs, and read */
    HOST_WRITE_FILE,  /* a file that is opened before the guest runs, and written */
    HOST_REPORT,      /* what is written at the end of a run: statistics */
    HOST_OUT_FILE,    /* files in the --out directory that the guest names while it runs */
    HOST_CHECKPOINT,  /* the machine is saved while it runs */
    HOST_EVENT,       /* an eventfd */
    HOST_THREAD,      /* a thread of its own */
    HOST_PORT_EVENT,  /* KVM signals an eventfd at a port */
    HOST_MEMORY_SLOT, /* KVM's memory slots change while the guest runs */
    HOST_DOMAINS,     /* two machines in one process, a thread each */
    HOST_LIBRARY,     /* a shared object is loaded */
    HOST_SIGNAL,      /* a signal is an order to the monitor */
    HOST_NEEDS,
};

/* A set of needs: bits. */
#define HOST_NEED(need) (1u << (need))

struct host_need_info {
    const char *name;  /* a word */
    const char *files; /* which files and descriptors, and when they are opened */
    const char *calls; /* system calls after the guest has begun, with spaces between them */
};

/* Indexed by enum host_need. */
extern const struct host_need_info host_needs[HOST_NEEDS];

#endif
