/* Consoles in checkpoints: the input that waits. */
#include "vmm/io/console.h"

#include <errno.h>
#include <unistd.h>

/* Who holds the lock, as the taker, has the ring to itself. */
static uint32_t copy_ring(const struct console *console, uint8_t bytes[CONSOLE_RING])
{
    const unsigned tail = atomic_load(&console->input_tail);
    const uint32_t count = atomic_load(&console->input_head) - tail;

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = console->input[(tail + i) % CONSOLE_RING];
    return count;
}

void console_put_state(struct console *console, struct console_state *state)
{
    *state = (struct console_state){.file_read = console->file_read};
    pthread_mutex_lock(&console->input_lock);
    state->count = copy_ring(console, state->input);
    pthread_mutex_unlock(&console->input_lock);
}

/* Where there is no file any more, there is no place in it. */
static int seek_file(struct console *console, uint64_t place)
{
    if (console->file < 0)
        return 0;
    if (place > INT64_MAX || lseek(console->file, (off_t)place, SEEK_SET) < 0)
        return -EINVAL;
    console->file_read = place;
    return 0;
}

static void put_bytes(struct console *console, unsigned at, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        console->input[(at + i) % CONSOLE_RING] = bytes[i];
}

/*
 * What has come of a file is what the state has, or is behind it. Who looks for room meanwhile sees
 * the ring before or after.
 */
static void fill_ring(struct console *console, const struct console_state *state, bool from_file)
{
    const unsigned tail = atomic_load(&console->input_tail);
    const uint32_t room = CONSOLE_RING - state->count;
    uint8_t since[CONSOLE_RING];
    uint32_t come = from_file ? 0 : copy_ring(console, since);

    if (come > room)
        come = room;
    put_bytes(console, tail, state->input, state->count);
    put_bytes(console, tail + state->count, since, come);
    atomic_store(&console->input_head, tail + state->count + come);
}

int console_take_state(struct console *console, const struct console_state *state)
{
    const bool from_file = console->file_read > 0;

    if (state->count > CONSOLE_RING || seek_file(console, state->file_read) < 0)
        return -EINVAL;
    pthread_mutex_lock(&console->input_lock);
    fill_ring(console, state, from_file);
    pthread_mutex_unlock(&console->input_lock);
    return 0;
}
