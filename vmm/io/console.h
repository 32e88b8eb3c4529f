/*
 * A console: what a guest shows on a line, and what is typed at it.
 *
 * The machine has one, on stdout and stdin: the host's thread puts in what is typed. A serial port
 * can have another, of files. Output comes from device ops on vCPU threads and is locked here.
 * Input has one producer and one taker: the device that listens, under its own lock.
 *
 * Order of locks: a device's, then those in here. A device that listens must not hold its lock while
 * it shows something: that may block, and whoever brings input would wait for it.
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

#define CONSOLE_INPUT 256                 /* bytes taken from stdin or a file ahead of the guest */
#define CONSOLE_RING  (2 * CONSOLE_INPUT) /* a power of two: room for those that a state has, too */

/* A thread that reads what makes one wait: a FIFO, a terminal. */
struct console_reader {
    pthread_t thread;
    int fd;   /* -1: there is no thread */
    int stop; /* eventfd */
};

struct console {
    struct journal *journal; /* NULL: a plain run */
    const char *name;        /* of its device; NULL: the machine's console */
    struct console *next;    /* of the consoles of the journal */
    pthread_mutex_t lock;    /* of (output) */
    struct output output;
    pthread_mutex_t input_lock; /* of who puts in input; the last lock of all */
    uint8_t input[CONSOLE_RING];
    atomic_uint input_head, input_tail; /* free-running; head - tail = bytes waiting */
    int room_event; /* eventfd, -1 if none: signalled when a full input ring has room again */

    void (*heard)(void *opaque); /* NULL: nobody listens */
    void *opaque;

    struct text given; /* a replay's, in place of the file: what of it the ring has not taken yet */
    size_t given_next;
    int file;           /* a file whose bytes never let one wait, read by the taker; -1: none */
    uint64_t file_read; /* bytes of it so far */
    struct console_reader reader;
};

void console_init(struct console *console, int fd, enum output_policy policy,
                  const atomic_bool *abandoned);
void console_destroy(struct console *console);

/* Report input and output to (journal), which may be NULL, as the console of the device (name). */
void console_set_journal(struct console *console, struct journal *journal, const char *name);

/* Show one byte. 0, or a negative errno once the reader is gone. */
int console_put(struct console *console, uint8_t byte);
int console_flush(struct console *console);

/* The same when no exit asks for it: at the end. */
int console_drain(struct console *console);

/*
 * Take the console's input: (heard) is called when some has come, on the thread that brought it.
 * -EBUSY: there is a listener already.
 */
int console_listen(struct console *console, void (*heard)(void *opaque), void *opaque);

/* Bytes that wait; of a file, at least as many as a FIFO of 16 bytes holds. */
size_t console_waiting(struct console *console);

/* Take one byte: 0..255, or -1 if none waits. */
int console_take(struct console *console);

/*
 * The producer's end: put in up to (length) bytes, and say how many found room: none also while a
 * vCPU is busy and the machine has a journal. To be tried again after CONSOLE_BUSY_MS then.
 */
#define CONSOLE_BUSY_MS 5
size_t console_type(struct console *console, const uint8_t *bytes, size_t length);
size_t console_room(const struct console *console);

/*
 * A console of files, NULL for none: what is shown is written to (out), which is emptied first;
 * what is typed comes from (in): a file, a FIFO or a terminal. To be closed also after an error;
 * (owner) begins its sentence.
 */
int console_open(struct console *console, const char *in, const char *out,
                 const atomic_bool *abandoned, const char *owner, struct error *error);

/* A replay's: input that came from a file, for the taker. */
void console_give(struct console *console, const void *bytes, size_t length);

/* What of a console is state: the input that waits, and how much of its file was read. */
struct console_state {
    uint64_t file_read;
    uint32_t count;
    uint8_t input[CONSOLE_RING]; /* (count) bytes, and zeros */
};

/*
 * For checkpoints, by the taker, while input may come. What is loaded, untrusted, is taken before what
 * has come since the console was made; of that, what then finds no room is lost. -EINVAL: more input
 * than there can be, or a place that its file cannot have; nothing has changed then.
 */
void console_put_state(struct console *console, struct console_state *state);
int console_take_state(struct console *console, const struct console_state *state);

/* After console_listen(): from now on input comes by itself. */
int console_start(struct console *console, const char *owner, struct error *error);
void console_close(struct console *console);

#endif
