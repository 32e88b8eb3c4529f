/*
 * minivmm as a library: machines on KVM, and stubs of simulators.
 *
 * Everything that begins with minivmm_ or MINIVMM_ in this header is the API, and nothing else is
 * exported. The program `minivmm` uses this header and nothing else of the library.
 *
 * Results. A function that can fail returns 0 or a negative errno, and writes one sentence with the
 * cause and the mend to (error), which may be NULL. What failed has changed nothing.
 *
 * Life of a machine: minivmm_create(), then minivmm_add_region() as often as wanted, then minivmm_load()
 * or minivmm_restore(), minivmm_run(), minivmm_destroy(). It runs once.
 *
 * Threads. A machine may be used by any thread, but by one at a time, except where a function says "any
 * thread". Registers and memory belong to whoever holds the machine still:
 *   - while it does not run: before minivmm_run(), after it, and between minivmm_pause() and
 *     minivmm_resume();
 *   - in a callback, on the thread that called it: the calling vCPU's registers, and memory.
 * At any other time they are refused with -EBUSY.
 *
 * Signals. The library installs no handlers. Bringing a vCPU to rest takes a signal, so before anything
 * runs the program says once that it may have one: minivmm_take_kick_signal(), or a handler of its own
 * for SIGRTMIN without SA_RESTART. It comes while callbacks run, too, whose system calls may give EINTR.
 */
#ifndef MINIVMM_H
#define MINIVMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MINIVMM_VERSION "0.2.0"

/* Changes when a struct below or the meaning of a function does: both sides must have the same. */
#define MINIVMM_ABI 1u

#ifndef MINIVMM_API
#define MINIVMM_API __attribute__((visibility("default")))
#endif

#define MINIVMM_TEXT_MAX 512 /* bytes of a sentence, with the zero at its end */

struct minivmm_machine; /* a machine, from minivmm_create() to minivmm_destroy() */
struct minivmm_vcpu;    /* one of its vCPUs: valid from minivmm_load() on, as long as the machine */
struct minivmm_world;   /* where domains meet */

/* How a run ended, or why there was none. */
enum minivmm_outcome {
    MINIVMM_NONE,         /* it has not ended */
    MINIVMM_GUEST,        /* the guest ended itself: its own status */
    MINIVMM_USAGE,        /* an option or argument was wrong */
    MINIVMM_IMAGE,        /* an image or checkpoint was refused */
    MINIVMM_NO_KVM,       /* /dev/kvm cannot be used */
    MINIVMM_SETUP,        /* the machine could not be made */
    MINIVMM_TRIPLE_FAULT, /* a triple fault */
    MINIVMM_CRASH,        /* the vCPU cannot go on */
    MINIVMM_TIMEOUT,      /* the time limit */
    MINIVMM_INTERRUPTED,  /* it was ended from outside */
    MINIVMM_RESET,        /* the guest asked for a reset */
    MINIVMM_OUTPUT,       /* the console's reader is gone, or the disk is full */
    MINIVMM_INTERNAL,     /* the monitor's own fault */
    MINIVMM_STREAM,       /* an exit stream was refused */
    MINIVMM_DIFFERS,      /* a replay is not as its exit stream says */
    MINIVMM_OUTCOMES,
};

struct minivmm_error {
    enum minivmm_outcome outcome; /* OUT: what a program that ends with it is to exit with */
    char text[MINIVMM_TEXT_MAX];  /* OUT: no newline, no trailing full stop */
};

/* The exit status that stands for (outcome); (guest_status) counts for MINIVMM_GUEST. Any thread. */
MINIVMM_API int minivmm_exit_status(enum minivmm_outcome outcome, int guest_status);

/* One line for --help; NULL: no such outcome. Any thread. */
MINIVMM_API const char *minivmm_outcome_meaning(enum minivmm_outcome outcome);

/* MINIVMM_VERSION of the library that is there, which may be another than the header's. Any thread. */
MINIVMM_API const char *minivmm_version(void);

/* ---- Making a machine -------------------------------------------------------------------- */

/* What --stats is to write. */
enum minivmm_stats { MINIVMM_STATS_NONE, MINIVMM_STATS_TABLE, MINIVMM_STATS_JSON };

/*
 * What a machine is made of. To be set to MINIVMM_CONFIG first, and then what is to be different. All
 * texts are copied by minivmm_create(). Descriptors stay the caller's, and must outlive the machine.
 */
struct minivmm_config {
    uint32_t abi; /* MINIVMM_ABI */

    uint64_t memory_size; /* bytes; 0: 64 MiB */
    unsigned vcpu_count;  /* 0: 1 */
    bool irqchip;         /* interrupt controllers, even if no device needs them */

    /* As --device has it, TYPE[,NAME=VALUE...], beside those that every machine has. */
    const char *const *devices;
    unsigned device_count;
    const char *ptlcall;    /* properties of those: a list, NULL for the presets, "off" for none */
    const char *debug_exit; /* the same */

    const char *stub;               /* as --stub has it; NULL: marss */
    const struct minivmm_stub *own; /* the caller's own stub, in place of (stub); NULL: none */
    const char *stub_options;       /* for (own) */

    int console_fd;           /* the guest's console; -1: what it says is dropped */
    int message_fd;           /* notices, and logs that have no file; -1: none */
    const char *name;         /* begins each notice, such as "d1: "; NULL: nothing */
    const char *console_name; /* begins each line of the console, up to 64 bytes; NULL: nothing */
    const char *out_dir;      /* where files that the guest asks for are written; NULL: "." */

    /* Of a run: then the guest ends; 0: never. With reboots: all boots together. */
    uint64_t timeout_ns;

    enum minivmm_stats stats;
    const char *stats_path;      /* NULL: stats_fd */
    int stats_fd;                /* -1: nowhere */
    const char *record, *trace;  /* files to be written; NULL: none */
    uint64_t checkpoint_at;      /* after so many exits of vCPU 0 it is saved, and ends; 0: never */
    const char *checkpoint_path; /* to this file */

    struct minivmm_world *world; /* the guest is a domain in it; NULL: it is none */
    uint16_t domid;              /* 0 or 1: for load to tell */
};

#define MINIVMM_CONFIG                                                                             \
    {                                                                                              \
        .abi = MINIVMM_ABI, .console_fd = 1, .message_fd = 2, .stats_fd = 2                        \
    }

/*
 * A machine of (config), which does not have to outlive the call; *machine is the caller's, to be given
 * to minivmm_destroy(). Nothing is opened or allocated for the guest yet. -EINVAL: what is wrong with
 * (config); -EPROTO: it is for another ABI; -ENOMEM.
 */
MINIVMM_API int minivmm_create(const struct minivmm_config *config,
                               struct minivmm_machine **machine, struct minivmm_error *error);

/*
 * End (machine) and give back all it holds; NULL is none. -EBUSY: it runs, a callback of its own asks, or
 * another domain of its world runs.
 */
MINIVMM_API int minivmm_destroy(struct minivmm_machine *machine, struct minivmm_error *error);

/* One access of a vCPU to a region. */
struct minivmm_access {
    struct minivmm_vcpu *vcpu; /* who */
    uint64_t offset;           /* bytes from the region's start; offset + size lies in the region */
    unsigned size;             /* 1, 2, 4 or 8 bytes, at most (widest) */
};

enum minivmm_space { MINIVMM_PORTS, MINIVMM_MEMORY };

/* A device of the caller's own: what it decodes, and who serves it. */
struct minivmm_region {
    const char *name; /* for statistics and messages; copied */
    enum minivmm_space space;
    uint64_t base, size; /* port numbers, or guest-physical addresses outside of RAM */
    unsigned widest;     /* 1, 2, 4 or 8 bytes; wider accesses are split; 0: 4, in memory 8 */
    bool registers; /* read() or write() look at the vCPU's registers or through its page tables */

    /*
     * On the vCPU's thread, one at a time for each region. NULL: reads as ones, writes are dropped. What
     * read() gives is cut to access->size. A checkpoint holds nothing of them.
     */
    uint64_t (*read)(void *opaque, const struct minivmm_access *access);
    void (*write)(void *opaque, const struct minivmm_access *access, uint64_t value);
    void *opaque;
};

/*
 * Between create and load. -EINVAL: an empty region, no name, no such space or width, or it is loaded; -ENOSPC: more
 * than 32; -ENOMEM. Overlap with others is load's to tell.
 */
MINIVMM_API int minivmm_add_region(struct minivmm_machine *machine,
                                   const struct minivmm_region *region,
                                   struct minivmm_error *error);

/* How a flat image starts; MINIVMM_MODE_PRESET: as its format says, a flat one in long mode. */
enum minivmm_mode {
    MINIVMM_MODE_PRESET,
    MINIVMM_MODE_LONG,
    MINIVMM_MODE_PROTECTED,
    MINIVMM_MODE_REAL
};

/* What a machine starts from. Zero is the preset of all but (path). Texts are copied. */
struct minivmm_image {
    const char *path;
    enum minivmm_mode mode;
    bool has_load, has_entry; /* whether the next two count */
    uint64_t load, entry;     /* gpa of a flat image, and of its first instruction */
    const char *initrd;       /* a file; NULL: none */
    const char *append;       /* the guest's command line; behind it come (words) */
    const char *const *words;
    unsigned word_count;
};

/*
 * Make the machine's memory, devices, VM and vCPUs, and load (image). It may be tried again after a failure, whose
 * kind is (error)'s outcome. The image's files are read again at each reboot, so they must stay. -EALREADY: it is
 * loaded, or has run; -EBUSY: it runs, or is just being loaded.
 */
MINIVMM_API int minivmm_load(struct minivmm_machine *machine, const struct minivmm_image *image,
                             struct minivmm_error *error);

/*
 * The same from the checkpoint (path). What the config says of memory, vCPUs and devices must be what the
 * checkpoint says; what it leaves out is taken from there. Without (allow_files) a checkpoint whose devices
 * name files of the host's is refused, unless the config names the devices itself.
 */
MINIVMM_API int minivmm_restore(struct minivmm_machine *machine, const char *path, bool allow_files,
                                struct minivmm_error *error);

/* ---- Running ----------------------------------------------------------------------------- */

/* How a run ended. */
struct minivmm_result {
    enum minivmm_outcome outcome;
    int guest_status;            /* 0..127, for MINIVMM_GUEST */
    int exit_status;             /* minivmm_exit_status() of both */
    char text[MINIVMM_TEXT_MAX]; /* why, in a sentence; empty if the guest ended itself */
    const char *report;          /* what there is to say of a crash; NULL: none. The machine's */
};

/*
 * Let SIGRTMIN interrupt vCPUs, by a handler that does nothing. Once in a process, before the first run.
 * -EBUSY: the signal has a handler already, which serves as well if it has no SA_RESTART.
 */
MINIVMM_API int minivmm_take_kick_signal(struct minivmm_error *error);

/*
 * Run until the guest ends: vCPU 0 on the calling thread, each other one on one of its own. 0: it ran, and
 * *result says how it ended. Otherwise the machine is as it was, and result->text has the sentence:
 * -EINVAL: it is not loaded, or nothing handles the kick signal; -EALREADY: it has run; -EBUSY: it runs,
 * or a callback asks; another: there are no descriptors or threads left. The kick signal may be blocked.
 */
MINIVMM_API int minivmm_run(struct minivmm_machine *machine, struct minivmm_result *result);

/* What a program in the foreground of a terminal wants, see minivmm_run_foreground(). */
struct minivmm_foreground {
    int checkpoint_signal;       /* SIGUSR1 or SIGUSR2: the first machine is saved; 0: none */
    const char *checkpoint_path; /* to this file */

    /*
     * Machine (index) has ended, and its files are not whole yet: its end can be told before the others'.
     * One at a time, on any thread. That a file could not be written is in (results) only, as
     * MINIVMM_OUTPUT. NULL: nobody wants to know.
     */
    void (*ended)(void *opaque, unsigned index, const struct minivmm_result *result);
    void *opaque;
};

#define MINIVMM_FOREGROUND_MAX 2 /* machines */

/*
 * Run (count) machines at a time, each on a thread of its own but for a single one, as the program does:
 * for that long SIGINT, SIGTERM, SIGHUP and SIGQUIT end them in place of the process, SIGCONT lets a guest
 * that waits go on, SIGPIPE and SIGXFSZ are ignored, stdin is the first machine's keyboard, and raw if it
 * is a terminal. Other threads of the program's must have these signals blocked. It takes the kick signal, too.
 * (results) has (count) places. Results as of minivmm_run(); all machines run, or none. -EINVAL also: (count), or
 * a checkpoint that cannot be, such as a domain's.
 */
MINIVMM_API int minivmm_run_foreground(struct minivmm_machine *const *machines, unsigned count,
                                       const struct minivmm_foreground *foreground,
                                       struct minivmm_result *results);

/*
 * End the run from outside: MINIVMM_INTERRUPTED. Any thread, any time, also in a callback. The run ends
 * soon after, not at once, and that of a paused machine behind minivmm_resume(). A machine that does not run
 * is not ended by it; a minivmm_step() under way is.
 */
MINIVMM_API void minivmm_stop(struct minivmm_machine *machine);

/*
 * In a callback of (vcpu): the guest has ended itself with (status), 0..127; any other is 127. Elsewhere it does
 * nothing but a notice. In attach() it ends the run as soon as that begins. What came first counts.
 */
MINIVMM_API void minivmm_end(struct minivmm_vcpu *vcpu, int status);

/*
 * Bring all vCPUs to rest between two instructions; any thread but a callback's. It returns when they
 * rest. -EINVAL: it does not run, or has ended meanwhile; -EALREADY: it is paused; -EDEADLK: a callback
 * asks; -ETIMEDOUT: a vCPU did not come to rest within a second, as it may be in a callback: all run on.
 */
MINIVMM_API int minivmm_pause(struct minivmm_machine *machine, struct minivmm_error *error);

/* Let them go on. -EINVAL: it is not paused; -EBUSY: a callback asks. */
MINIVMM_API int minivmm_resume(struct minivmm_machine *machine, struct minivmm_error *error);

/*
 * One instruction of (vcpu), on the calling thread, while the machine is loaded but has not run yet, or is
 * paused; exits on the way are served. 0; 1: the guest has ended with it. -EBUSY: it runs; -EAGAIN: the vCPU
 * waits for an interrupt or for its start; -EINVAL: it has ended, or nothing is loaded; -EINTR: minivmm_stop()
 * came before it was over, of a machine that has not run yet. A rep string instruction takes a call for each iteration.
 * Where KVM cannot step ring 3, that is one step up to its next exit, or until minivmm_stop(). Callbacks of
 * regions come on the calling thread, and those of a stub that simulates.
 */
MINIVMM_API int minivmm_step(struct minivmm_vcpu *vcpu, struct minivmm_error *error);

/* What comes of the machine once it is saved; the numbers are ptlcall's. */
enum minivmm_checkpoint {
    MINIVMM_CHECKPOINT_CONTINUE,
    MINIVMM_CHECKPOINT_SHUT_DOWN,
    MINIVMM_CHECKPOINT_REBOOT,
    MINIVMM_CHECKPOINT_PAUSE, /* the guest waits for SIGCONT, or minivmm_continue() */
};

/*
 * Save the machine to the file (path), which is copied. In a callback: as it is when the exit, or the
 * instruction before the next step, is over; -EBUSY: this vCPU has asked already, or is not its own, or it is in
 * minivmm_step() or does not run yet. Elsewhere, of a machine that runs or is paused, any thread: as soon as
 * vCPU 0 rests, and it goes on, whatever (action); -EINVAL: it does not run, or is a domain; -EBUSY: another
 * path waits for that already. How it went is a notice.
 */
MINIVMM_API int minivmm_save(struct minivmm_vcpu *vcpu, const char *path,
                             enum minivmm_checkpoint action, struct minivmm_error *error);

/* Let a guest go on that waits because of a checkpoint. Any thread. */
MINIVMM_API void minivmm_continue(struct minivmm_machine *machine);

/* ---- Looking at a machine ---------------------------------------------------------------- */

/* vCPU (id), from 0; NULL: there is none, or nothing is loaded. Any thread. */
MINIVMM_API struct minivmm_vcpu *minivmm_vcpu(struct minivmm_machine *machine, unsigned id);
MINIVMM_API unsigned minivmm_vcpu_id(const struct minivmm_vcpu *vcpu);
MINIVMM_API struct minivmm_machine *minivmm_vcpu_machine(const struct minivmm_vcpu *vcpu);

struct minivmm_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
    uint64_t cs_base; /* the linear address of an instruction is cs_base + rip */
    uint64_t cr0, cr2, cr3, cr4, cr8, efer; /* from here on: not written */
    unsigned bits;                          /* of the code: 16, 32 or 64 */
    unsigned cpl;                           /* privilege level: 0..3 */
};

/*
 * -EBUSY: the vCPU runs, or it is not the caller's; -EINVAL: nothing is loaded. minivmm_set_registers()
 * writes up to (rflags). In a callback of a region that does not want registers: -EBUSY.
 */
MINIVMM_API int minivmm_get_registers(struct minivmm_vcpu *vcpu,
                                      struct minivmm_registers *registers,
                                      struct minivmm_error *error);
MINIVMM_API int minivmm_set_registers(struct minivmm_vcpu *vcpu,
                                      const struct minivmm_registers *registers,
                                      struct minivmm_error *error);

/*
 * Copy (size) bytes of guest memory, all or nothing. -EFAULT: not all of it is RAM, or for the virtual
 * ones, mapped by (vcpu)'s page tables; they read and write with kernel privilege, and set no accessed or
 * dirty bits.
 */
MINIVMM_API int minivmm_read_physical(struct minivmm_machine *machine, uint64_t gpa, void *buffer,
                                      size_t size, struct minivmm_error *error);
MINIVMM_API int minivmm_write_physical(struct minivmm_machine *machine, uint64_t gpa,
                                       const void *buffer, size_t size,
                                       struct minivmm_error *error);
MINIVMM_API int minivmm_read_virtual(struct minivmm_vcpu *vcpu, uint64_t gva, void *buffer,
                                     size_t size, struct minivmm_error *error);
MINIVMM_API int minivmm_write_virtual(struct minivmm_vcpu *vcpu, uint64_t gva, const void *buffer,
                                      size_t size, struct minivmm_error *error);
MINIVMM_API int minivmm_translate(struct minivmm_vcpu *vcpu, uint64_t gva, uint64_t *gpa,
                                  struct minivmm_error *error);

/*
 * Exits so far in this boot, of all vCPUs: in (counts), which has (room) places, one for each reason in order; gives
 * how many reasons there are. minivmm_exit_name(reason) is a word such as "io", and "other" for
 * numbers that have no meaning here, whose counts are 0 but for the last; NULL: there are not so many.
 * Any thread.
 */
MINIVMM_API unsigned minivmm_count_exits(const struct minivmm_machine *machine, uint64_t *counts,
                                         unsigned room);
MINIVMM_API const char *minivmm_exit_name(unsigned reason);

/*
 * Interrupt line (gsi), 0..23, up or down; of a machine with interrupt controllers, that is not recorded. In each boot
 * they begin low. Any thread, from load on. -EINVAL, also between two boots.
 */
MINIVMM_API int minivmm_set_interrupt(struct minivmm_machine *machine, unsigned gsi, bool level,
                                      struct minivmm_error *error);

/* ---- Domains ----------------------------------------------------------------------------- */

/* An empty world; NULL: out of memory. To be destroyed when all machines in it are: -EBUSY before. */
MINIVMM_API struct minivmm_world *minivmm_world_create(void);
MINIVMM_API int minivmm_world_destroy(struct minivmm_world *world, struct minivmm_error *error);

/* ---- Stubs ------------------------------------------------------------------------------- */

/*
 * A stub stands where a simulator will be: guests call it by ptlcall. It is a shared object that has a
 * `const struct minivmm_stub minivmm_stub`, and is given as --stub FILE[,OPTIONS]; or one of the library's
 * own, --stub NAME[,OPTIONS]; or minivmm_config's (own).
 *
 * Callbacks come on the thread of the vCPU concerned, one at a time for each machine, and may call what
 * this header allows in a callback; attach() and detach() on that of load, run or destroy, as if vCPU 0
 * called. All but (abi) and (name) may be NULL or 0.
 */

/* A ptlcall of a guest's. Valid only during the callback. */
struct minivmm_call {
    struct minivmm_vcpu *vcpu;
    int32_t op;            /* as the guest gave it: one of ptlcall's, or any other */
    uint64_t arguments[6]; /* 32 bits each outside 64-bit mode */
};

/* A command in an ENQUEUE of a guest's that was accepted. Valid only during the callback. */
struct minivmm_command {
    const char *name;  /* "-stopinsns" */
    const char *value; /* NULL: it has none */
    uint64_t number;   /* of a command whose value is a number; UINT64_MAX: inf; 0: it has none */
};

/* The instruction that comes next. */
struct minivmm_instruction {
    uint64_t number;  /* 1 for the first that was simulated, since the stub was attached */
    uint64_t address; /* gva, with the base of its segment */
    unsigned bits;    /* of the code: 16, 32 or 64 */
};

/* What a step() wants: to be asked again before the next instruction, or the guest at full speed. */
enum minivmm_next { MINIVMM_STEP, MINIVMM_NATIVE };

struct minivmm_stub {
    uint32_t abi;     /* MINIVMM_ABI: what the stub was built for; first in every version */
    const char *name; /* a word */
    const char *help; /* one line; NULL: none */

    /*
     * The machine is made, and no instruction has run. (options) is what stands behind the comma, or NULL.
     * What is put into *state is given to the others. A negative errno, with its sentence in (error), for
     * which minivmm_error_set() is: the machine is refused.
     */
    int (*attach)(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *error);

    /* The last callback, after the run; after a reboot attach() follows. */
    void (*detach)(void *state);

    /*
     * A ptlcall: gives what the guest finds in RAX. NULL: minivmm_call_default(), which does what
     * docs/ptlcall.md says; the other callbacks come from there.
     */
    int64_t (*ptlcall)(void *state, struct minivmm_call *call);

    /*
     * A command, before it has its usual effect: NULL, and it has; or a static text for the log, and it has
     * none.
     */
    const char *(*command)(void *state, struct minivmm_vcpu *vcpu,
                           const struct minivmm_command *command);

    /* The op MARKER. */
    void (*marker)(void *state, struct minivmm_vcpu *vcpu, uint64_t id);

    /*
     * Simulation goes on, by `-run`, and off, by `-stop`, by step(), or at the end of the run. simulate()
     * may refuse with a negative errno: then it stays off. Simulation that is on goes on in a restored
     * machine. (vcpu) is who asked, or vCPU 0.
     */
    int (*simulate)(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error);
    void (*native)(void *state, struct minivmm_vcpu *vcpu);

    /*
     * While simulation is on, before each instruction of every vCPU. NULL: the guest runs at full speed
     * also then. An iteration of a rep string instruction is no instruction of its own.
     */
    enum minivmm_next (*step)(void *state, struct minivmm_vcpu *vcpu,
                              const struct minivmm_instruction *instruction);
};

/* What a shared object that is a stub defines; the library itself has none. */
extern MINIVMM_API const struct minivmm_stub minivmm_stub;

/*
 * In ptlcall(), once: what the call does without a stub; gives its result. At any other time it does nothing,
 * is told by a notice, and gives -22 (-EINVAL).
 */
MINIVMM_API int64_t minivmm_call_default(struct minivmm_call *call);

/*
 * The bytes at the next instruction of (vcpu), up to 15 of them, as far as they are mapped: in a step();
 * gives their number.
 */
MINIVMM_API unsigned minivmm_fetch(struct minivmm_vcpu *vcpu, uint8_t bytes[15]);

/* A line on message_fd, "minivmm: NAME: ...", of at most MINIVMM_TEXT_MAX bytes. Any thread. */
MINIVMM_API void minivmm_notice(struct minivmm_machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Write the sentence of (error), and give (code): `return minivmm_error_set(error, -EINVAL, "…")`. */
MINIVMM_API int minivmm_error_set(struct minivmm_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- What the program does besides -------------------------------------------------------- */

/* Texts for people, on (fd): all device types, or the properties of one; all stubs in the box. */
MINIVMM_API void minivmm_print_devices(int fd);
MINIVMM_API int minivmm_print_device(const char *type, int fd, struct minivmm_error *error);
MINIVMM_API void minivmm_print_stubs(int fd);

/*
 * A whole number as the command line has it: decimal, 0x hexadecimal, or with one of (suffixes), of "KMG",
 * behind it. -EINVAL.
 */
MINIVMM_API int minivmm_parse_number(const char *text, const char *suffixes, uint64_t *number);

/*
 * Give the exit stream (path) to a machine as (config) has it, without KVM, and compare. What differs is
 * said on stderr. The outcome: MINIVMM_GUEST with status 0 if nothing did, MINIVMM_DIFFERS, or what
 * (error) tells.
 */
MINIVMM_API enum minivmm_outcome minivmm_replay(const struct minivmm_config *config,
                                                const char *path, struct minivmm_error *error);

/* The same of (count) streams written as tests: their results on stdout, as TAP. */
MINIVMM_API enum minivmm_outcome minivmm_test_streams(const char *const *paths, unsigned count);

/* Draw the exit stream (path) as a page of HTML, into the file (page). */
MINIVMM_API int minivmm_write_report(const char *path, const char *page,
                                     struct minivmm_error *error);

/* What is in the checkpoint (path), on (fd); with (gva), where in the file that address is. */
MINIVMM_API int minivmm_print_info(const char *path, const uint64_t *gva, int fd,
                                   struct minivmm_error *error);

#ifdef __cplusplus
}
#endif

#endif
