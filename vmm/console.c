/* The guest's console: an output under a lock, and a ring of what was typed. */
#include "vmm/console.h"

#include <unistd.h>

void console_init(struct console *console, int fd, enum output_policy policy,
                  const atomic_bool *abandoned)
{
    pthread_mutex_init(&console->lock, NULL);
    output_init(&console->output, fd, policy, abandoned);
    atomic_init(&console->input_head, 0);
    atomic_init(&console->input_tail, 0);
    console->room_event = -1;
}

void console_destroy(struct console *console)
{
    pthread_mutex_destroy(&console->lock);
}

int console_put(struct console *console, uint8_t byte)
{
    pthread_mutex_lock(&console->lock);

    int error = output_write(&console->output, &byte, 1);

    pthread_mutex_unlock(&console->lock);
    return error;
}

int console_flush(struct console *console)
{
    pthread_mutex_lock(&console->lock);

    int error = output_flush(&console->output);

    pthread_mutex_unlock(&console->lock);
    return error;
}

size_t console_room(const struct console *console)
{
    unsigned tail = atomic_load(&console->input_tail);

    return CONSOLE_INPUT - (atomic_load(&console->input_head) - tail);
}

int console_pending(struct console *console)
{
    if (console_room(console) < CONSOLE_INPUT)
        return 1;
    return console_flush(console);
}

static void console_signal_room(const struct console *console)
{
    const uint64_t one = 1;

    /* A count of 1 always fits beside what the host has not read yet, so this does not block. */
    if (console->room_event >= 0 && write(console->room_event, &one, sizeof(one)) < 0)
        return;
}

int console_take(struct console *console)
{
    int byte = -1;

    /* Without the lock: a guest that polls for input does not wait for one that shows something. */
    if (console_room(console) == CONSOLE_INPUT)
        return -1;

    pthread_mutex_lock(&console->lock);

    unsigned tail = atomic_load(&console->input_tail);

    if (atomic_load(&console->input_head) != tail) {
        byte = console->input[tail % CONSOLE_INPUT];
        atomic_store(&console->input_tail, tail + 1);

        /*
         * Look at the head only now: console_type() stores the head, then the host looks at the
         * tail. So either the host sees this room, or the full ring is seen here.
         */
        if (atomic_load(&console->input_head) - tail >= CONSOLE_INPUT)
            console_signal_room(console);
    }
    pthread_mutex_unlock(&console->lock);
    return byte;
}

size_t console_type(struct console *console, const uint8_t *bytes, size_t length)
{
    unsigned head = atomic_load(&console->input_head);
    size_t room = console_room(console);
    size_t count = length < room ? length : room;

    for (size_t i = 0; i < count; i++)
        console->input[(head + i) % CONSOLE_INPUT] = bytes[i];
    atomic_store(&console->input_head, head + (unsigned)count);
    return count;
}
