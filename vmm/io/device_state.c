#include "vmm/io/device_state.h"

#include "vmm/io/device.h"
#include "vmm/io/timer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX     (DEVICE_NAME_MAX + 32)
#define TIMER_NAME_MAX 24

static const struct state_field no_fields[] = {{0}};

static const struct state_field *fields_of(const struct device *device)
{
    return device->type->state ? device->type->state->fields : no_fields;
}

/* The first line, up to the version. */
static void make_header(const struct device *device, char header[HEADER_MAX])
{
    snprintf(header, HEADER_MAX, "device %s version ", device->name);
}

static unsigned version_of(const struct device *device)
{
    return device->type->state ? device->type->state->version : 0;
}

/* The name of the line for the timer (index) of a device. */
static void make_timer_name(unsigned index, char name[TIMER_NAME_MAX])
{
    snprintf(name, TIMER_NAME_MAX, "timer.%u", index);
}

static void put_line(struct text *text, const char *name, const void *bytes, size_t size)
{
    text_append_string(text, name);
    text_append_string(text, "=");
    text_append_bytes(text, bytes, size);
    text_append_string(text, "\n");
}

static void put_timers(struct device *device, struct text *text)
{
    char name[TIMER_NAME_MAX];
    unsigned index = 0;

    for (struct device_timer *timer = device->timers; timer; timer = timer->next_of_device) {
        const uint64_t deadline = device_timer_deadline(timer);

        make_timer_name(index++, name);
        put_line(text, name, &deadline, sizeof(deadline));
    }
}

void state_write(struct device *device, struct text *text)
{
    const struct device_state *state = device->type->state;
    char header[HEADER_MAX];

    make_header(device, header);
    text_append_string(text, header);
    text_append_decimal(text, version_of(device));
    text_append_string(text, "\n");

    lock_take(&device->lock);
    if (state && state->saving)
        state->saving(device);
    for (const struct state_field *field = fields_of(device); field->name; field++)
        put_line(text, field->name, (const char *)device + field->offset, field->size);
    put_timers(device, text);
    lock_release(&device->lock);
}

/* The text that is not parsed yet. */
struct reader {
    const char *at, *end;
};

static bool take_string(struct reader *reader, const char *expected)
{
    const size_t length = strlen(expected);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, expected, length) != 0)
        return false;
    reader->at += length;
    return true;
}

/* The value of a lower-case hex digit; 16: (digit) is not one. */
static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    return digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10 : 16;
}

static bool take_bytes(struct reader *reader, uint8_t *bytes, size_t size)
{
    if ((size_t)(reader->end - reader->at) < 2 * size)
        return false;
    for (size_t i = 0; i < size; i++, reader->at += 2) {
        const unsigned high = digit_value(reader->at[0]), low = digit_value(reader->at[1]);

        if (high > 15 || low > 15)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool bits_fit(const struct state_field *field, const uint8_t *bytes)
{
    uint64_t value = 0;

    if (field->bits == 0)
        return true;
    for (size_t i = 0; i < field->size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return (value & ~field->bits) == 0;
}

static int take_header(const struct device *device, struct reader *reader, struct error *error)
{
    char header[HEADER_MAX], version[16];

    make_header(device, header);
    if (!take_string(reader, header))
        return error_set(error, -EINVAL, "device %s: its state is another device's", device->name);
    snprintf(version, sizeof(version), "%u\n", version_of(device));
    if (!take_string(reader, version))
        return error_set(error, -EINVAL,
                         "device %s: its state is not of version %u; restore it with the minivmm "
                         "that saved it",
                         device->name, version_of(device));
    return 0;
}

/* NAME=HEX of (size) bytes. */
static int take_line(const struct device *device, struct reader *reader, const char *name,
                     uint8_t *bytes, size_t size, struct error *error)
{
    if (take_string(reader, name) && take_string(reader, "=") && take_bytes(reader, bytes, size) &&
        take_string(reader, "\n"))
        return 0;
    return error_set(error, -EINVAL, "device %s: its state has no valid %s at its place",
                     device->name, name);
}

static int take_timers(const struct device *device, struct reader *reader, uint8_t *bytes,
                       struct error *error)
{
    char name[TIMER_NAME_MAX];
    unsigned index = 0;
    int result = 0;

    for (const struct device_timer *timer = device->timers; result == 0 && timer;
         timer = timer->next_of_device) {
        make_timer_name(index++, name);
        result = take_line(device, reader, name, bytes, sizeof(timer->deadline), error);
        bytes += sizeof(timer->deadline);
    }
    return result;
}

/* Parse all fields into (bytes), one after the other, and then the deadlines of the timers. */
static int take_fields(const struct device *device, struct reader *reader, uint8_t *bytes,
                       struct error *error)
{
    for (const struct state_field *field = fields_of(device); field->name; field++) {
        const int result = take_line(device, reader, field->name, bytes, field->size, error);

        if (result < 0)
            return result;
        if (!bits_fit(field, bytes))
            return state_refuse(device, field->name, error);
        bytes += field->size;
    }
    if (take_timers(device, reader, bytes, error) < 0)
        return -EINVAL;
    if (reader->at != reader->end)
        return error_set(error, -EINVAL, "device %s: there is extra text after its state",
                         device->name);
    return 0;
}

static void exchange_fields(struct device *device, uint8_t *bytes)
{
    for (const struct state_field *field = fields_of(device); field->name; field++) {
        uint8_t *in_device = (uint8_t *)device + field->offset;

        for (size_t i = 0; i < field->size; i++, bytes++) {
            const uint8_t byte = in_device[i];

            in_device[i] = *bytes;
            *bytes = byte;
        }
    }
    for (struct device_timer *timer = device->timers; timer; timer = timer->next_of_device) {
        const uint64_t deadline = device_timer_deadline(timer);
        uint64_t loaded;

        memcpy(&loaded, bytes, sizeof(loaded));
        memcpy(bytes, &deadline, sizeof(deadline));
        device_timer_restore(timer, loaded);
        bytes += sizeof(deadline);
    }
}

/* Load the fields. If the device refuses them, restore its own. */
static int load_fields(struct device *device, uint8_t *bytes, struct error *error)
{
    const struct device_state *state = device->type->state;
    int result = 0;

    lock_take(&device->lock);
    exchange_fields(device, bytes);
    if (state && state->loaded)
        result = state->loaded(device, error);
    if (result < 0)
        exchange_fields(device, bytes);
    lock_release(&device->lock);
    return result;
}

static size_t fields_size(const struct device *device)
{
    size_t size = 0;

    for (const struct state_field *field = fields_of(device); field->name; field++)
        size += field->size;
    for (const struct device_timer *timer = device->timers; timer; timer = timer->next_of_device)
        size += sizeof(timer->deadline);
    return size;
}

int state_read(struct device *device, const char *text, size_t length, struct error *error)
{
    struct reader reader = {.at = text, .end = text + length};
    int result = take_header(device, &reader, error);
    uint8_t *bytes;

    if (result < 0)
        return result;
    bytes = malloc(fields_size(device) + 1);
    if (!bytes)
        return error_set(error, -ENOMEM, "device %s: out of memory for its state", device->name);
    result = take_fields(device, &reader, bytes, error);
    if (result == 0)
        result = load_fields(device, bytes, error);
    free(bytes);
    return result;
}

int state_refuse(const struct device *device, const char *field, struct error *error)
{
    return error_set(error, -EINVAL, "device %s: its state has an impossible %s", device->name,
                     field);
}
