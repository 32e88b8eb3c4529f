/*
 * The guest's console: stdout and nothing else, and what is typed at it.
 *
 * Output comes from device ops on vCPU threads; input is put in by the host thread and taken out
 * by the device that serves it. Both directions are locked here, so devices need not care.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "vmm/output.h"

#include <pthread.h>
#include <stdint.h>

#define CONSOLE_INPUT 256 /* bytes taken from stdin ahead of the guest; a power of two */

struct console {
    pthread_mutex_t lock;
    struct output output;
    uint8_t input[CONSOLE_INPUT];
    atomic_uint input_head, input_tail; /* free-running; head - tail = bytes waiting */
    int room_event; /* eventfd, -1 if none: signalled when a full input ring has room again */
};

void console_init(struct console *console, int fd, enum output_policy policy,
                  const atomic_bool *abandoned);
void console_destroy(struct console *console);

/* Show one byte. 0, or a negative errno once the reader is gone. */
int console_put(struct console *console, uint8_t byte);

/*
 * Is a byte waiting? 1 or 0. If not, what was shown so far is flushed: someone may be about to
 * answer. Then also a negative errno, once the reader is gone.
 */
int console_pending(struct console *console);

/* Take one byte: 0..255, or -1 if none waits. */
int console_take(struct console *console);

/* The host's end: put in up to (length) bytes, and say how many found room. */
size_t console_type(struct console *console, const uint8_t *bytes, size_t length);
size_t console_room(const struct console *console);

int console_flush(struct console *console);

#endif
