#include "vmm/io/device_state.h"

#include "vmm/io/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX (DEVICE_NAME_MAX + 32)

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

void state_put(struct device *device, struct text *text)
{
    const struct device_state *state = device->type->state;
    char header[HEADER_MAX];

    make_header(device, header);
    text_put_string(text, header);
    text_put_decimal(text, version_of(device));
    text_put_string(text, "\n");

    lock_take(&device->lock);
    if (state && state->saving)
        state->saving(device);
    for (const struct state_field *field = fields_of(device); field->name; field++) {
        text_put_string(text, field->name);
        text_put_string(text, "=");
        text_put_bytes(text, (const char *)device + field->offset, field->size);
        text_put_string(text, "\n");
    }
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

/* Parse all fields into (bytes), one after the other. */
static int take_fields(const struct device *device, struct reader *reader, uint8_t *bytes,
                       struct error *error)
{
    for (const struct state_field *field = fields_of(device); field->name; field++) {
        if (!take_string(reader, field->name) || !take_string(reader, "=") ||
            !take_bytes(reader, bytes, field->size) || !take_string(reader, "\n"))
            return error_set(error, -EINVAL, "device %s: its state has no valid %s at its place",
                             device->name, field->name);
        if (!bits_fit(field, bytes))
            return state_refuse(device, field->name, error);
        bytes += field->size;
    }
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
    return size;
}

int state_take(struct device *device, const char *text, size_t length, struct error *error)
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
