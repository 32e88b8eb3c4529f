#include "vmm/core/machine_plan.h"

#include "vmm/base/property.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024

void machine_plan_free(struct machine_plan *plan)
{
    for (unsigned i = 0; i < plan->device_count; i++)
        free(plan->devices[i]);
    *plan = (struct machine_plan){0};
}

/* The plan owns (description) from now on; NULL: memory ran out. */
static int add(struct machine_plan *plan, char *description, unsigned long line,
               struct error *error)
{
    if (!description)
        return error_set(error, -ENOMEM, "out of memory for the list of devices");
    if (plan->device_count == MACHINE_PLAN_DEVICES) {
        free(description);
        return error_set(error, -EINVAL, "more than %d devices; give fewer", MACHINE_PLAN_DEVICES);
    }
    plan->lines[plan->device_count] = line;
    plan->devices[plan->device_count++] = description;
    return 0;
}

int machine_plan_add_device(struct machine_plan *plan, const char *type, const char *properties,
                            struct error *error)
{
    char *description = NULL;

    if (!properties)
        description = strdup(type);
    else if (asprintf(&description, "%s,%s", type, properties) < 0)
        description = NULL;
    return add(plan, description, 0, error);
}

int machine_plan_copy(struct machine_plan *plan, const struct machine_plan *from,
                      struct error *error)
{
    int result = 0;

    *plan = *from;
    plan->device_count = 0;
    for (unsigned i = 0; result == 0 && i < from->device_count; i++)
        result = add(plan, strdup(from->devices[i]), from->lines[i], error);
    if (result < 0)
        machine_plan_free(plan);
    return result;
}

void machine_plan_configure(const struct machine_plan *plan, struct machine_config *config)
{
    config->memory_size = plan->memory_size;
    config->vcpu_count = plan->vcpu_count;
    config->irqchip = plan->irqchip;
}

int machine_plan_make_devices(const struct machine_plan *plan, struct machine *machine,
                              unsigned *failed, struct error *error)
{
    int result = 0;

    for (unsigned i = 0; result == 0 && i < plan->device_count; i++) {
        const char *properties;
        const struct device_type *type =
            device_type_of(plan->types, plan->devices[i], &properties, error);

        result = type ? device_create(machine, type, properties, error) : -EINVAL;
        if (result < 0 && failed)
            *failed = i;
    }
    return result;
}

/* Does the property list (text), which may be NULL, set (name)? */
static bool sets_property(const char *text, const char *name)
{
    const size_t length = strlen(name);

    for (; text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL)
        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return true;
    return false;
}

const char *machine_plan_find_file(const struct machine_plan *plan)
{
    for (unsigned i = 0; i < plan->device_count; i++) {
        const char *properties;
        const struct device_type *type =
            device_type_of(plan->types, plan->devices[i], &properties, NULL);
        const struct property *property = type ? type->properties : NULL;

        for (; property && property->name; property++)
            if (property->kind == PROPERTY_FILE && sets_property(properties, property->name))
                return plan->devices[i];
    }
    return NULL;
}

/* May the byte appear in a line without quotes? */
static bool is_plain(const char *description)
{
    return strspn(description, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               ",=._/:+-") == strlen(description);
}

void machine_plan_print(const struct machine_plan *plan, struct text *text)
{
    text_append_string(text, "machine memory=");
    text_append_decimal(text, plan->memory_size);
    text_append_string(text, " cpus=");
    text_append_decimal(text, plan->vcpu_count);
    if (plan->irqchip)
        text_append_string(text, " irqchip=on");
    text_append_string(text, "\n");
    for (unsigned i = 0; i < plan->device_count; i++) {
        const char *quote = is_plain(plan->devices[i]) ? "" : "\"";

        text_append_string(text, "device ");
        text_append_string(text, quote);
        text_append_escaped(text, plan->devices[i], strlen(plan->devices[i]));
        text_append_string(text, quote);
        text_append_string(text, "\n");
    }
}

/* The properties of `machine` lines. */
struct machine_words {
    uint64_t memory, cpus;
    bool irqchip;
};

static const struct property machine_properties[] = {
    {.name = "memory",
     .kind = PROPERTY_SIZE,
     .offset = offsetof(struct machine_words, memory),
     .preset = "16M",
     .min = MEMORY_MIN,
     .max = MEMORY_MAX,
     .help = "guest memory"},
    {.name = "cpus",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct machine_words, cpus),
     .preset = "1",
     .min = 1,
     .max = CPUS_MAX,
     .help = "vCPUs"},
    {.name = "irqchip",
     .kind = PROPERTY_BOOL,
     .offset = offsetof(struct machine_words, irqchip),
     .help = "interrupt controllers, even if no device needs them"},
    {0},
};

/* NAME=VALUE…: a property list with spaces in place of commas. */
static int take_machine(struct machine_plan *plan, struct cursor *line, struct error *error)
{
    struct machine_words words;
    struct error cause;
    char list[256] = "";
    size_t used = 0;
    const char *word;
    size_t length;

    if (plan->machine_given)
        return lines_refuse(line->lines, error, "the machine is given twice");
    while ((length = cursor_word(line, &word)) > 0) {
        if (used + length + 2 > sizeof(list))
            return lines_refuse(line->lines, error, "the machine's properties are too long");
        if (used > 0)
            list[used++] = ',';
        memcpy(list + used, word, length);
        used += length;
        list[used] = '\0';
    }
    if (property_parse(machine_properties, &words, used ? list : NULL, "machine", &cause) < 0)
        return lines_refuse(line->lines, error, "%s", cause.text);
    plan->memory_size = words.memory;
    plan->vcpu_count = (unsigned)words.cpus;
    plan->irqchip = words.irqchip;
    plan->machine_given = true;
    return 1;
}

/* Parse a word or a quoted string, which the caller frees; NULL with (error). */
static char *take_description(struct cursor *line, struct error *error)
{
    const size_t plain = cursor_plain(line);
    struct text text = {0};
    char *description = NULL;
    const char *word;

    if (plain) {
        cursor_word(line, &word);
        description = strndup(word, plain);
    } else if (cursor_text(line, "a device", &text, error) == 0) {
        description = strndup(text.used ? text.bytes : "", text.used); /* up to its first 0 byte */
    } else {
        text_free(&text);
        return NULL;
    }
    text_free(&text);
    if (!description)
        error_set(error, -ENOMEM, "out of memory for the list of devices");
    return description;
}

static int take_device(struct machine_plan *plan, struct cursor *line, struct error *error)
{
    char *description = take_description(line, error);
    const char *properties;
    struct error cause;
    int result;

    if (!description)
        return -EINVAL;
    result = cursor_finish(line, error);
    if (result == 0 && !device_type_of(plan->types, description, &properties, &cause))
        result = lines_refuse(line->lines, error, "%s", cause.text);
    if (result < 0) {
        free(description);
        return result;
    }
    if (add(plan, description, line->lines->number, &cause) < 0)
        return lines_refuse(line->lines, error, "%s", cause.text);
    return 1;
}

int machine_plan_parse_line(struct machine_plan *plan, struct cursor *line, struct error *error)
{
    if (cursor_skip(line, "machine"))
        return take_machine(plan, line, error);
    if (cursor_skip(line, "device"))
        return take_device(plan, line, error);
    return 0;
}

static int refuse_other(const char *path, const char *option, struct error *error)
{
    return error_set(error, -EINVAL,
                     "%s: its machine differs from --%s; leave that out, or give the same", path,
                     option);
}

static int compare_devices(const struct machine_plan *plan, const struct machine_plan *wanted,
                           const char *path, struct error *error)
{
    const unsigned count =
        plan->device_count > wanted->device_count ? plan->device_count : wanted->device_count;

    for (unsigned i = 0; i < count; i++) {
        const char *here = i < plan->device_count ? plan->devices[i] : "nothing";
        const char *there = i < wanted->device_count ? wanted->devices[i] : "nothing";

        if (strcmp(here, there) != 0)
            return error_set(error, -EINVAL,
                             "%s: its device %u is %.100s, the command line's is %.100s; leave out "
                             "the options of devices, or give the same",
                             path, i + 1, here, there);
    }
    return 0;
}

int machine_plan_compare(const struct machine_plan *plan, const struct machine_plan *wanted,
                         unsigned parts, const char *path, struct error *error)
{
    if (parts & MACHINE_PLAN_MEMORY && plan->memory_size != wanted->memory_size)
        return refuse_other(path, "mem", error);
    if (parts & MACHINE_PLAN_CPUS && plan->vcpu_count != wanted->vcpu_count)
        return refuse_other(path, "cpus", error);
    if (parts & MACHINE_PLAN_IRQCHIP && plan->irqchip != wanted->irqchip)
        return refuse_other(path, "irqchip", error);
    return parts & MACHINE_PLAN_DEVICE_LIST ? compare_devices(plan, wanted, path, error) : 0;
}
