/*
 * minivmm as a library: machines on KVM, and stubs of simulators.
 *
 * Everything that begins with minivmm_ or MINIVMM_ in this header is the API, and nothing else is
 * exported. The program `minivmm` uses this header and nothing else of the library.
 *
 * Results. A function that can fail returns 0 or a negative errno, and writes one sentence with the
 * cause and the remedy to (error), which may be NULL. A call that fails has changed nothing.
 *
 * Life of a machine: minivmm_create(), then minivmm_add_region() as often as wanted, then minivmm_load()
 * or minivmm_restore(), minivmm_run(), minivmm_destroy(). It runs once.
 *
 * Threads. A machine may be used by any thread, but by one at a time, except where a function says "any
 * thread". Registers and memory may be accessed only while the machine stands still:
 *   - while it does not run: before minivmm_run(), after it, and between minivmm_pause() and
 *     minivmm_resume();
 *   - in a callback, on the thread that called it: the calling vCPU's registers, and memory.
 * At any other time they are refused with -EBUSY.
 *
 * Signals. The library installs no handler unasked. It brings a vCPU to rest by a signal, so before the first run the
 * program calls minivmm_take_kick_signal() once, or installs a handler of its own for SIGRTMIN without SA_RESTART.
 * The signal also arrives while callbacks run; their system calls may fail with EINTR.
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

/* Changes when a struct below or the meaning of a function changes: program and library must have the same. */
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
    MINIVMM_CRASH,        /* the vCPU cannot continue */
    MINIVMM_TIMEOUT,      /* the time limit */
    MINIVMM_INTERRUPTED,  /* it was ended from outside */
    MINIVMM_RESET,        /* the guest asked for a reset */
    MINIVMM_OUTPUT,       /* the console's reader is gone, or the disk is full */
    MINIVMM_INTERNAL,     /* the monitor's own fault */
    MINIVMM_STREAM,       /* an exit stream was refused */
    MINIVMM_DIFFERS,      /* a replay differs from its exit stream */
    MINIVMM_OUTCOMES,
};

struct minivmm_error {
    enum minivmm_outcome outcome; /* OUT: gives the exit status of a program that ends with it */
    char text[MINIVMM_TEXT_MAX];  /* OUT: no newline, no trailing full stop */
};

/* Returns the exit status of (outcome); (guest_status) is used for MINIVMM_GUEST only. Any thread. */
MINIVMM_API int minivmm_exit_status(enum minivmm_outcome outcome, int guest_status);

/* Returns one line for --help, static text, or NULL if there is no such outcome. Any thread. */
MINIVMM_API const char *minivmm_outcome_meaning(enum minivmm_outcome outcome);

/* Returns MINIVMM_VERSION of the loaded library, which may differ from the header's. Any thread. */
MINIVMM_API const char *minivmm_version(void);

/* ---- Making a machine -------------------------------------------------------------------- */

/* The format of the statistics. */
enum minivmm_stats { MINIVMM_STATS_NONE, MINIVMM_STATS_TABLE, MINIVMM_STATS_JSON };

/*
 * What a machine is made of. Start from MINIVMM_CONFIG, then change fields. minivmm_create() copies all
 * texts. The caller owns the descriptors and keeps them open until the machine is destroyed.
 */
struct minivmm_config {
    uint32_t abi; /* MINIVMM_ABI */

    uint64_t memory_size; /* bytes; 0: 64 MiB */
    unsigned vcpu_count;  /* 0: 1 */
    bool irqchip;         /* interrupt controllers, even if no device needs them */

    /* Each TYPE[,NAME=VALUE...] as for --device, in addition to those that every machine has. */
    const char *const *devices;
    unsigned device_count;
    const char
        *ptlcall; /* properties of that device: a list; NULL: the presets; "off": no such device */
    const char *debug_exit; /* the same */

    const char *stub;               /* as for --stub; NULL: marss */
    const struct minivmm_stub *own; /* the caller's own stub, in place of (stub); NULL: none */
    const char *stub_options;       /* for (own) */

    int console_fd;           /* the guest's console; -1: its output is dropped */
    int message_fd;           /* notices, and logs that have no file; -1: none */
    const char *name;         /* begins each notice, such as "d1: "; NULL: nothing */
    const char *console_name; /* begins each line of the console, up to 64 bytes; NULL: nothing */
    const char *out_dir;      /* where files that the guest asks for are written; NULL: "." */

    /* The time limit of a run, in ns, all boots together; 0: none. */
    uint64_t timeout_ns;

    enum minivmm_stats stats;
    const char *stats_path;     /* NULL: stats_fd */
    int stats_fd;               /* -1: nowhere */
    const char *record, *trace; /* files to be written; NULL: none */
    uint64_t checkpoint_at;     /* after this many exits of vCPU 0 it is saved and ends; 0: never */
    const char *checkpoint_path; /* to this file */

    struct minivmm_world *world; /* the guest is a domain in it; NULL: it is no domain */
    uint16_t domid;              /* 0 or 1; checked by minivmm_load() */
};

#define MINIVMM_CONFIG                                                                             \
    {                                                                                              \
        .abi = MINIVMM_ABI, .console_fd = 1, .message_fd = 2, .stats_fd = 2                        \
    }

/*
 * Create a machine from (config), which does not have to outlive the call. The caller owns *machine and passes it
 * to minivmm_destroy(). Nothing is opened or allocated for the guest yet. -EINVAL: (config) is wrong, and the sentence
 * says where; -EPROTO: it is for another ABI; -ENOMEM.
 */
MINIVMM_API int minivmm_create(const struct minivmm_config *config,
                               struct minivmm_machine **machine, struct minivmm_error *error);

/*
 * Free (machine) and all that it holds; NULL is allowed. -EBUSY: it runs, the call comes from one of its callbacks, or
 * another domain of its world runs.
 */
MINIVMM_API int minivmm_destroy(struct minivmm_machine *machine, struct minivmm_error *error);

/* One access of a vCPU to a region. */
struct minivmm_access {
    struct minivmm_vcpu *vcpu; /* the one that accesses the region */
    uint64_t offset;           /* bytes from the region's start; offset + size lies in the region */
    unsigned size;             /* 1, 2, 4 or 8 bytes, at most (widest) */
};

enum minivmm_space { MINIVMM_PORTS, MINIVMM_MEMORY };

/* A device of the caller's own: the range that it decodes, and its functions. */
struct minivmm_region {
    const char *name; /* for statistics and messages; copied */
    enum minivmm_space space;
    uint64_t base, size; /* port numbers, or guest-physical addresses outside of RAM */
    unsigned widest;     /* 1, 2, 4 or 8 bytes; wider accesses are split; 0: 4, in memory 8 */
    bool registers;      /* read() or write() access the vCPU's registers or use its page tables */

    /*
     * Called on the vCPU's thread, one call at a time for each region. NULL: reads as ones, writes are dropped.
     * The value of read() is cut to access->size. A checkpoint does not contain their state.
     */
    uint64_t (*read)(void *opaque, const struct minivmm_access *access);
    void (*write)(void *opaque, const struct minivmm_access *access, uint64_t value);
    void *opaque;
};

/*
 * Add a region, between create and load. -EINVAL: it is empty, has no name or an invalid space or width, or the machine
 * is loaded; -ENOSPC: more than 32; -ENOMEM. minivmm_load() refuses regions that overlap.
 */
MINIVMM_API int minivmm_add_region(struct minivmm_machine *machine,
                                   const struct minivmm_region *region,
                                   struct minivmm_error *error);

/* The mode in which an image starts; MINIVMM_MODE_PRESET: given by its format, long mode for a flat image. */
enum minivmm_mode {
    MINIVMM_MODE_PRESET,
    MINIVMM_MODE_LONG,
    MINIVMM_MODE_PROTECTED,
    MINIVMM_MODE_REAL
};

/* What a machine starts from. Zero is the preset of every field but (path). Texts are copied. */
struct minivmm_image {
    const char *path;
    enum minivmm_mode mode;
    bool has_load, has_entry; /* whether the next two are used */
    uint64_t load, entry;     /* gpa of a flat image, and of its first instruction */
    const char *initrd;       /* a file; NULL: none */
    const char *append;       /* the guest's command line, which (words) follow */
    const char *const *words;
    unsigned word_count;
};

/*
 * Create the machine's memory, devices, VM and vCPUs, and load (image). After a failure it may be called again;
 * error->outcome is the kind of the failure. The image's files must stay in place: they are read again at each reboot.
 * -EALREADY: the machine is loaded, or has run; -EBUSY: it runs, or another call is loading it.
 */
MINIVMM_API int minivmm_load(struct minivmm_machine *machine, const struct minivmm_image *image,
                             struct minivmm_error *error);

/*
 * The same from the checkpoint (path). Memory, vCPUs and devices that the config gives must be those of the
 * checkpoint; what it does not give is taken from there. Without (allow_files), a checkpoint whose devices
 * name files on this host is refused, unless the config gives the devices itself.
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
    const char *report;          /* the crash report; NULL: none. Owned by the machine */
};

/*
 * Install a handler for SIGRTMIN that does nothing, so that the signal interrupts vCPUs. Called once in a process,
 * before the first run. -EBUSY: the signal has a handler already, which also serves if it has no SA_RESTART.
 */
MINIVMM_API int minivmm_take_kick_signal(struct minivmm_error *error);

/*
 * Run until the guest ends: vCPU 0 on the calling thread, each other vCPU on a thread of its own. 0: it ran, and
 * *result, which may be NULL, says how it ended. Otherwise the machine is unchanged, and result->text has the sentence:
 * -EINVAL: it is not loaded, or nothing handles the kick signal; -EALREADY: it has run; -EBUSY: it runs,
 * or the call comes from a callback; another: no descriptors or threads are left. The kick signal may be blocked.
 */
MINIVMM_API int minivmm_run(struct minivmm_machine *machine, struct minivmm_result *result);

/* The options of minivmm_run_foreground(). */
struct minivmm_foreground {
    int checkpoint_signal;       /* SIGUSR1 or SIGUSR2: the first machine is saved; 0: none */
    const char *checkpoint_path; /* to this file */

    /*
     * Machine (index) has ended; its files are not complete yet, and the others may still run. One call at a
     * time, on any thread. A file that could not be written is reported in (results) only, as MINIVMM_OUTPUT. May
     * be NULL.
     */
    void (*ended)(void *opaque, unsigned index, const struct minivmm_result *result);
    void *opaque;
};

#define MINIVMM_FOREGROUND_MAX 2 /* machines */

/*
 * Run (count) machines together, as the program does: a single one on the calling thread, several each on a thread of
 * its own. During the call SIGINT, SIGTERM, SIGHUP and SIGQUIT end the machines instead of the process, SIGCONT
 * resumes a guest that waits, SIGPIPE and SIGXFSZ are ignored, and stdin is the first machine's keyboard, in raw mode if
 * it is a terminal. The program's other threads must have these signals blocked. The kick signal gets a handler if it
 * has none. (results) has (count) elements; results are those of minivmm_run(), and either all machines run or none.
 * -EINVAL also: (count) is out of range, or a checkpoint is asked for that cannot be taken, such as a domain's.
 */
MINIVMM_API int minivmm_run_foreground(struct minivmm_machine *const *machines, unsigned count,
                                       const struct minivmm_foreground *foreground,
                                       struct minivmm_result *results);

/*
 * End the run from outside: MINIVMM_INTERRUPTED. Any thread, any time, also in a callback. The run ends
 * soon after the call; the run of a paused machine ends after minivmm_resume(). A machine that does not run
 * is not affected, but a minivmm_step() in progress ends.
 */
MINIVMM_API void minivmm_stop(struct minivmm_machine *machine);

/*
 * In a callback of (vcpu): end the run as if the guest had ended itself with (status), 0..127; any other value becomes
 * 127. In attach() the run ends as soon as it begins. If the run has an outcome already, that one stays. Outside a
 * callback of (vcpu) it only writes a notice.
 */
MINIVMM_API void minivmm_end(struct minivmm_vcpu *vcpu, int status);

/*
 * Bring all vCPUs to rest between two instructions, and return when they rest. Any thread that is not in a callback.
 * -EINVAL: the machine does not run, or has just ended; -EALREADY: it is paused; -EDEADLK: the call comes from a
 * callback; -ETIMEDOUT: a vCPU, which may be in a callback, did not come to rest within a second, and all continue.
 */
MINIVMM_API int minivmm_pause(struct minivmm_machine *machine, struct minivmm_error *error);

/* End the pause. -EINVAL: the machine is not paused; -EBUSY: the call comes from a callback. */
MINIVMM_API int minivmm_resume(struct minivmm_machine *machine, struct minivmm_error *error);

/*
 * Execute one instruction of (vcpu) on the calling thread, while the machine is loaded but has not run yet, or is
 * paused. Its exits are handled, and callbacks of regions and of a stub that simulates come on the calling thread.
 * Returns 0, or 1 if the guest has ended. -EBUSY: the machine runs; -EAGAIN: the vCPU waits for an interrupt or for its
 * start; -EINVAL: the guest has ended, or nothing is loaded; -EINTR: minivmm_stop() was called before the instruction
 * was over, for a machine that has not run yet. A rep string instruction needs one call for each iteration. Where KVM
 * cannot step ring 3, code there runs in one step up to its next exit, or until minivmm_stop().
 */
MINIVMM_API int minivmm_step(struct minivmm_vcpu *vcpu, struct minivmm_error *error);

/* What the machine does after it is saved; the numbers are ptlcall's. */
enum minivmm_checkpoint {
    MINIVMM_CHECKPOINT_CONTINUE,
    MINIVMM_CHECKPOINT_SHUT_DOWN,
    MINIVMM_CHECKPOINT_REBOOT,
    MINIVMM_CHECKPOINT_PAUSE, /* the guest waits for SIGCONT, or minivmm_continue() */
};

/*
 * Save the machine to the file (path), a text that is copied. A notice reports the result.
 * In a callback: it is saved when the exit, or the instruction before the next step, is over. -EBUSY: this vCPU has a
 * request pending, is not the callback's, is in minivmm_step(), or does not run yet.
 * Elsewhere, on any thread, while the machine runs or is paused: it is saved as soon as vCPU 0 rests, and continues,
 * whatever (action) is. -EINVAL: it does not run, or is a domain; -EBUSY: a request with another path is pending.
 */
MINIVMM_API int minivmm_save(struct minivmm_vcpu *vcpu, const char *path,
                             enum minivmm_checkpoint action, struct minivmm_error *error);

/* Resume a guest that waits after a checkpoint. Any thread. */
MINIVMM_API void minivmm_continue(struct minivmm_machine *machine);

/* ---- Looking at a machine ---------------------------------------------------------------- */

/* Returns vCPU (id), from 0, or NULL if there is no such vCPU or nothing is loaded. Any thread. */
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
 * Read or write the registers of (vcpu); minivmm_set_registers() writes those up to (rflags). -EBUSY: the vCPU runs, is
 * not the one of this callback, or the callback's region does not set (registers); -EINVAL: nothing is loaded.
 */
MINIVMM_API int minivmm_get_registers(struct minivmm_vcpu *vcpu,
                                      struct minivmm_registers *registers,
                                      struct minivmm_error *error);
MINIVMM_API int minivmm_set_registers(struct minivmm_vcpu *vcpu,
                                      const struct minivmm_registers *registers,
                                      struct minivmm_error *error);

/*
 * Copy (size) bytes of guest memory, all or nothing. The virtual variants use the page tables of (vcpu) with kernel
 * privilege, and set no accessed or dirty bits. -EFAULT: part of the range is not RAM, or not mapped.
 * minivmm_translate() sets *gpa to the physical address of (gva). -EBUSY and -EINVAL as for registers.
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
 * Count the exits of all vCPUs in this boot, by reason: (counts) has (room) elements. Returns the number of reasons.
 * minivmm_exit_name() returns a word such as "io"; "other" for numbers without a meaning, of which only the last is
 * counted; or NULL if (reason) is too large. Any thread.
 */
MINIVMM_API unsigned minivmm_count_exits(const struct minivmm_machine *machine, uint64_t *counts,
                                         unsigned room);
MINIVMM_API const char *minivmm_exit_name(unsigned reason);

/*
 * Set interrupt line (gsi), 0..23, high or low. Lines are low at the start of each boot. Any thread, after load.
 * -EINVAL: the machine has no interrupt controllers, is recorded, or is between two boots; or there is no such line.
 */
MINIVMM_API int minivmm_set_interrupt(struct minivmm_machine *machine, unsigned gsi, bool level,
                                      struct minivmm_error *error);

/* ---- Domains ----------------------------------------------------------------------------- */

/*
 * Create an empty world; NULL: out of memory. The caller owns it, and destroys it after all machines in it; before that,
 * minivmm_world_destroy() returns -EBUSY.
 */
MINIVMM_API struct minivmm_world *minivmm_world_create(void);
MINIVMM_API int minivmm_world_destroy(struct minivmm_world *world, struct minivmm_error *error);

/* ---- Stubs ------------------------------------------------------------------------------- */

/*
 * A stub takes the place of a simulator: guests call it by ptlcall. It is a shared object that defines
 * `const struct minivmm_stub minivmm_stub`, given as --stub FILE[,OPTIONS]; or one of the library's
 * own, --stub NAME[,OPTIONS]; or minivmm_config's (own).
 *
 * Callbacks are called on the thread of their vCPU, one at a time for each machine, and may call the functions that
 * this header allows in a callback. attach() and detach() are called on the thread that is in load, run or destroy, as
 * callbacks of vCPU 0. Every field but (abi) and (name) may be NULL or 0.
 */

/* A guest's ptlcall. Valid during the callback only. */
struct minivmm_call {
    struct minivmm_vcpu *vcpu;
    int32_t op;            /* from the guest: one of ptlcall's, or any other number */
    uint64_t arguments[6]; /* 32 bits each outside 64-bit mode */
};

/* A command of a guest's ENQUEUE that was accepted. Valid during the callback only. */
struct minivmm_command {
    const char *name;  /* "-stopinsns" */
    const char *value; /* NULL: no value */
    uint64_t number;   /* the value, if it is a number; UINT64_MAX: inf; 0: no value */
};

/* The next instruction. */
struct minivmm_instruction {
    uint64_t number;  /* of simulated instructions since the stub was attached, from 1 */
    uint64_t address; /* gva, with the base of its segment */
    unsigned bits;    /* of the code: 16, 32 or 64 */
};

/* The result of step(): call it again before the next instruction, or let the guest run at full speed. */
enum minivmm_next { MINIVMM_STEP, MINIVMM_NATIVE };

struct minivmm_stub {
    uint32_t abi;     /* MINIVMM_ABI: what the stub was built for; first in every version */
    const char *name; /* a word */
    const char *help; /* one line; NULL: none */

    /*
     * The machine is created, and no instruction has run. (options) is the text after the comma, or NULL. The other
     * callbacks get the *state that is set here. A negative errno refuses the machine; minivmm_error_set()
     * writes its sentence.
     */
    int (*attach)(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *error);

    /* The last callback, after the run. At a reboot, attach() follows. */
    void (*detach)(void *state);

    /*
     * A ptlcall. Returns the value of the guest's RAX. NULL: minivmm_call_default(), which does what
     * docs/ptlcall.md says and calls the other callbacks.
     */
    int64_t (*ptlcall)(void *state, struct minivmm_call *call);

    /*
     * A command, before its usual effect. Returns NULL to let it have that effect, or a static text for the log
     * to replace it.
     */
    const char *(*command)(void *state, struct minivmm_vcpu *vcpu,
                           const struct minivmm_command *command);

    /* The op MARKER. */
    void (*marker)(void *state, struct minivmm_vcpu *vcpu, uint64_t id);

    /*
     * Simulation is turned on, by `-run`; and off, by `-stop`, by step(), or at the end of the run. simulate()
     * may refuse with a negative errno: simulation then stays off. A machine restored from a checkpoint that was
     * taken during simulation continues to simulate. (vcpu) is the one that turned the switch, or vCPU 0.
     */
    int (*simulate)(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error);
    void (*native)(void *state, struct minivmm_vcpu *vcpu);

    /*
     * Called during simulation before each instruction of every vCPU. NULL: the guest runs at full speed during
     * simulation, too. A rep string instruction is one instruction, whatever its iterations.
     */
    enum minivmm_next (*step)(void *state, struct minivmm_vcpu *vcpu,
                              const struct minivmm_instruction *instruction);
};

/* Defined by a shared object that is a stub; the library does not define it. */
extern MINIVMM_API const struct minivmm_stub minivmm_stub;

/*
 * In ptlcall(), once: do what the call does without a stub, and return its result. At any other time it does nothing
 * but write a notice, and returns -22 (-EINVAL).
 */
MINIVMM_API int64_t minivmm_call_default(struct minivmm_call *call);

/*
 * In step(): read the bytes at the next instruction of (vcpu), up to 15, as far as they are mapped. Returns their
 * number; 0 outside a callback that may access registers.
 */
MINIVMM_API unsigned minivmm_fetch(struct minivmm_vcpu *vcpu, uint8_t bytes[15]);

/* Write a line to message_fd, "minivmm: NAME: ...", of at most MINIVMM_TEXT_MAX bytes. Any thread. */
MINIVMM_API void minivmm_notice(struct minivmm_machine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Write the sentence of (error), which may be NULL, and return (code): `return minivmm_error_set(error, -EINVAL, "…")`. */
MINIVMM_API int minivmm_error_set(struct minivmm_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- The program's other commands --------------------------------------------------------- */

/* Write to (fd), for people: all device types; the properties of one type, -EINVAL: there is no such; all built-in stubs. */
MINIVMM_API void minivmm_print_devices(int fd);
MINIVMM_API int minivmm_print_device(const char *type, int fd, struct minivmm_error *error);
MINIVMM_API void minivmm_print_stubs(int fd);

/*
 * Parse a whole number as on the command line: decimal, hexadecimal after 0x, or followed by one of (suffixes), which
 * are some of "KMG". -EINVAL: anything else, or more than 2^64 - 1.
 */
MINIVMM_API int minivmm_parse_number(const char *text, const char *suffixes, uint64_t *number);

/*
 * Feed the exit stream (path) to a machine of (config), without KVM, and compare. Differences are written to stderr.
 * Returns MINIVMM_GUEST if there is none (exit with 0), MINIVMM_DIFFERS, or another outcome with its sentence in
 * (error).
 */
MINIVMM_API enum minivmm_outcome minivmm_replay(const struct minivmm_config *config,
                                                const char *path, struct minivmm_error *error);

/* The same for (count) streams that are tests: writes their results to stdout, as TAP. */
MINIVMM_API enum minivmm_outcome minivmm_test_streams(const char *const *paths, unsigned count);

/* Write the exit stream (path) as an HTML page to the file (page). 0 or a negative errno. */
MINIVMM_API int minivmm_write_report(const char *path, const char *page,
                                     struct minivmm_error *error);

/* Write to (fd) what is in the checkpoint (path); with (gva), where in the file that address is. 0 or a negative errno. */
MINIVMM_API int minivmm_print_info(const char *path, const uint64_t *gva, int fd,
                                   struct minivmm_error *error);

#ifdef __cplusplus
}
#endif

#endif
