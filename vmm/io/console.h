/*
 * A console: the guest's output on a line, and the input typed at it.
 *
 * The machine has one, on stdout and stdin: the host's thread passes typed input to it. A serial
 * port can have another, of files. Output comes from device ops on vCPU threads and is locked here.
 * Input has one producer and one taker: the device that listens, under its own lock.
 *
 * Order of locks: a device's, then those in here. A device that listens must not hold its lock
 * during output: that may block, and the producer of input would wait for the lock.
 */
#ifndef VMM_IO_CONSOLE_H
#define VMM_IO_CONSOLE_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"
#include "vmm/io/output.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_INPUT 256 /* bytes that are read from stdin or a file before the guest reads them */
#define CONSOLE_RING  (2 * CONSOLE_INPUT) /* a power of two: a loaded state also fits */

/* A thread that reads a file whose reads may block: a FIFO, a terminal. */
struct console_reader {
    pthread_t thread;
    int fd;   /* -1: no thread runs */
    int stop; /* eventfd */
};

struct console {
    struct journal *journal; /* NULL: a plain run */
    const char *name;        /* of its device; NULL: the machine's console */
    struct console *next;    /* the next console of the journal */
    pthread_mutex_t lock;    /* protects (output) */
    struct output output;
    pthread_mutex_t input_lock; /* of the producer; last in the order */
    uint8_t input[CONSOLE_RING];
    atomic_uint input_head, input_tail; /* free-running; head - tail = bytes waiting */
    int room_event; /* eventfd, -1 if none: raised when a full input ring has room again */

    void (*heard)(void *opaque); /* NULL: no device listens */
    void *opaque;

    struct text given; /* a replay's, in place of the file */
    size_t given_next;
    int file;           /* a file whose reads never block, read by the taker; -1: none */
    uint64_t file_read; /* bytes of it so far */
    struct console_reader reader;
};

void console_init(struct console *console, int fd, enum output_policy policy,
                  const atomic_bool *abandoned);
void console_finish(struct console *console);

/* Report input and output to (journal), which may be NULL, as the console of the device (name). */
void console_set_journal(struct console *console, struct journal *journal, const char *name);

/* Output one byte. 0, or a negative errno once the output has failed. */
int console_write(struct console *console, uint8_t byte);
int console_flush(struct console *console);

/* The same outside of an exit: at the end. */
int console_drain(struct console *console);

/*
 * Become the taker of the console's input: (heard) is called after input has come, on the
 * producer's thread. -EBUSY: another device listens.
 */
int console_listen(struct console *console, void (*heard)(void *opaque), void *opaque);

/* The bytes that wait; from a file, at least as many as a FIFO of 16 bytes holds. */
size_t console_waiting(struct console *console);

/* Take one byte: 0..255, or -1 if none waits. */
int console_read(struct console *console);

/*
 * For the producer: add up to (length) bytes. Returns how many found room: 0 also while a vCPU
 * handles an exit and the machine has a journal; then try again after CONSOLE_BUSY_MS.
 */
#define CONSOLE_BUSY_MS 5
size_t console_type(struct console *console, const uint8_t *bytes, size_t length);
size_t console_room(const struct console *console);

/*
 * Open a console of files, each of which may be NULL: output is written to (out), which is
 * truncated; input is read from (in): a file, a FIFO or a terminal. (owner) begins the error
 * sentence. Must be closed also after an error.
 */
int console_open(struct console *console, const char *in, const char *out,
                 const atomic_bool *abandoned, const char *owner, struct error *error);

/* For a replay: supply input that came from a file, for the taker. */
void console_supply(struct console *console, const void *bytes, size_t length);

/* The state of a console: the input that waits, and the position in its file. */
struct console_state {
    uint64_t file_read;
    uint32_t count;
    uint8_t input[CONSOLE_RING]; /* (count) bytes, and zeros */
};

/*
 * Save and load, for checkpoints, by the taker, while input may come. The loaded input, untrusted,
 * precedes input that came since the console was made; of that, bytes without room are dropped.
 * -EINVAL: more input than the ring holds, or a position that the file cannot have; nothing has
 * changed then.
 */
void console_save_state(struct console *console, struct console_state *state);
int console_load_state(struct console *console, const struct console_state *state);

/* After console_listen(): the file's reader starts here. */
int console_start(struct console *console, const char *owner, struct error *error);
void console_close(struct console *console);

#endif
