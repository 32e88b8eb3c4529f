/* A console: an output under a lock, and a ring of typed input. */
#include "vmm/io/console.h"

#include "vmm/base/descriptor.h"
#include "vmm/io/journal.h"

#include <errno.h>
#include <unistd.h>

#define INPUT_LOW 16 /* bytes: the capacity of a FIFO that is filled from here */

void console_init(struct console *console, int fd, enum output_policy policy,
                  const atomic_bool *abandoned)
{
    pthread_mutex_init(&console->lock, NULL);
    pthread_mutex_init(&console->input_lock, NULL);
    output_init(&console->output, fd, policy, abandoned);
    atomic_init(&console->input_head, 0);
    atomic_init(&console->input_tail, 0);
    console->room_event = -1;
    console->heard = NULL;
    console->opaque = NULL;
    console->file = -1;
    console->file_read = 0;
    console->reader.fd = console->reader.stop = -1;
    console->journal = NULL;
    console->name = NULL;
    console->given = (struct text){0};
    console->given_next = 0;
}

void console_set_journal(struct console *console, struct journal *journal, const char *name)
{
    console->journal = journal;
    console->name = name;
    output_set_journal(&console->output, journal, JOURNAL_CONSOLE, name);
    journal_add_console(journal, console);
}

void console_finish(struct console *console)
{
    journal_remove_console(console->journal, console);
    pthread_mutex_destroy(&console->input_lock);
    text_free(&console->given);
    pthread_mutex_destroy(&console->lock);
}

int console_write(struct console *console, uint8_t byte)
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

int console_drain(struct console *console)
{
    pthread_mutex_lock(&console->lock);

    int error = output_drain(&console->output);

    pthread_mutex_unlock(&console->lock);
    return error;
}

int console_listen(struct console *console, void (*heard)(void *opaque), void *opaque)
{
    if (console->heard)
        return -EBUSY;
    console->heard = heard;
    console->opaque = opaque;
    return 0;
}

/* Bytes in the ring. */
static size_t ring_count(const struct console *console)
{
    unsigned tail = atomic_load(&console->input_tail);

    return atomic_load(&console->input_head) - tail;
}

size_t console_room(const struct console *console)
{
    size_t count = ring_count(console);

    return count < CONSOLE_INPUT ? CONSOLE_INPUT - count : 0;
}

/*
 * Put bytes into the ring until all are in, or until no room is seen after the last one was put: a
 * producer that then waits for room is notified by console_read().
 */
static size_t store(struct console *console, const uint8_t *bytes, size_t length)
{
    size_t done = 0;
    size_t room;

    while (done < length && (room = console_room(console)) > 0) {
        unsigned head = atomic_load(&console->input_head);
        size_t count = length - done < room ? length - done : room;

        for (size_t i = 0; i < count; i++)
            console->input[(head + i) % CONSOLE_RING] = bytes[done + i];
        atomic_store(&console->input_head, head + (unsigned)count);
        done += count;
    }
    return done;
}

/* Fill the ring from the file, which is closed at its end. */
static void read_file(struct console *console)
{
    uint8_t bytes[CONSOLE_INPUT];
    ssize_t count = read(console->file, bytes, console_room(console));

    if (count > 0) {
        console->file_read += (uint64_t)count;
        store(console, bytes, (size_t)count);
        journal_record_input(console->journal, console->name, bytes, (size_t)count);
    } else if (count == 0 || errno != EINTR) {
        close(console->file);
        console->file = -1;
    }
}

void console_supply(struct console *console, const void *bytes, size_t length)
{
    if (console->given_next == console->given.used) {
        text_clear(&console->given);
        console->given_next = 0;
    }
    text_append(&console->given, bytes, length);
}

/* Fill the ring from the input that a replay supplied. */
static void read_given(struct console *console)
{
    const struct text *given = &console->given;

    if (console->given_next < given->used)
        console->given_next += store(console, (const uint8_t *)given->bytes + console->given_next,
                                     given->used - console->given_next);
}

size_t console_waiting(struct console *console)
{
    size_t waiting = ring_count(console);

    if (waiting >= INPUT_LOW)
        return waiting;
    if (console->file >= 0)
        read_file(console);
    else if (console->given.used)
        read_given(console);
    return ring_count(console);
}

int console_read(struct console *console)
{
    unsigned tail = atomic_load(&console->input_tail);
    int byte;

    if (console_waiting(console) == 0)
        return -1;
    byte = console->input[tail % CONSOLE_RING];
    atomic_store(&console->input_tail, tail + 1);

    /*
     * Load the head only now: console_type() stores the head, then the producer loads the tail. So
     * either the producer sees this room, or this thread sees the full ring.
     */
    if (atomic_load(&console->input_head) - tail >= CONSOLE_INPUT)
        event_raise(console->room_event);
    return byte;
}

static size_t type_bytes(struct console *console, const uint8_t *bytes, size_t length)
{
    size_t count;

    pthread_mutex_lock(&console->input_lock);
    count = store(console, bytes, length);
    pthread_mutex_unlock(&console->input_lock);
    if (count && console->heard)
        console->heard(console->opaque);
    return count;
}

/* The caller must not wait for a vCPU, which may be waiting for the reader of the console. */
size_t console_type(struct console *console, const uint8_t *bytes, size_t length)
{
    struct journal *journal = console->journal;
    size_t count;

    if (length == 0)
        return 0;
    if (!journal)
        return type_bytes(console, bytes, length);
    if (!journal_begin_typed(journal))
        return 0;
    count = type_bytes(console, bytes, length);
    journal_end_typed(journal, console->name, bytes, count);
    return count;
}

/* ---- Checkpoints: the input that waits ---- */

/* Called with the ring to itself: by the taker, under the lock. */
static uint32_t copy_ring(const struct console *console, uint8_t bytes[CONSOLE_RING])
{
    const unsigned tail = atomic_load(&console->input_tail);
    const uint32_t count = atomic_load(&console->input_head) - tail;

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = console->input[(tail + i) % CONSOLE_RING];
    return count;
}

void console_save_state(struct console *console, struct console_state *state)
{
    *state = (struct console_state){.file_read = console->file_read};
    pthread_mutex_lock(&console->input_lock);
    state->count = copy_ring(console, state->input);
    pthread_mutex_unlock(&console->input_lock);
}

/* A file that was closed at its end has no position. */
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
 * Input that came from a file since is in the state already, or follows its position. A concurrent
 * reader of the room sees the ring before or after this.
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

int console_load_state(struct console *console, const struct console_state *state)
{
    const bool from_file = console->file_read > 0;

    if (state->count > CONSOLE_RING || seek_file(console, state->file_read) < 0)
        return -EINVAL;
    pthread_mutex_lock(&console->input_lock);
    fill_ring(console, state, from_file);
    pthread_mutex_unlock(&console->input_lock);
    return 0;
}
