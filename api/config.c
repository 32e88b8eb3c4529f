
#include "api/config.h"

#include "devices/types.h"
#include "vmm/io/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PRESET (64 * MIB)

/* The texts of a struct, and a list of texts. */
struct shape {
    const size_t *texts;
    size_t text_count;
    size_t list, list_count; /* a `const char *const *`, and an unsigned */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(name)   offsetof(struct minivmm_config, name)

static const size_t config_texts[] = {
    TEXT(ptlcall),         TEXT(debug_exit), TEXT(stub),       TEXT(stub_options), TEXT(name),
    TEXT(console_name),    TEXT(out_dir),    TEXT(stats_path), TEXT(record),       TEXT(trace),
    TEXT(checkpoint_path),
};

static const struct shape config_shape = {
    .texts = config_texts,
    .text_count = COUNT(config_texts),
    .list = offsetof(struct minivmm_config, devices),
    .list_count = offsetof(struct minivmm_config, device_count),
};

static const size_t image_texts[] = {
    offsetof(struct minivmm_image, path),
    offsetof(struct minivmm_image, initrd),
    offsetof(struct minivmm_image, append),
};

static const struct shape image_shape = {
    .texts = image_texts,
    .text_count = COUNT(image_texts),
    .list = offsetof(struct minivmm_image, words),
    .list_count = offsetof(struct minivmm_image, word_count),
};

static char **text_at(void *object, size_t offset)
{
    return (char **)((char *)object + offset);
}

static char ***list_at(void *object, const struct shape *shape)
{
    return (char ***)((char *)object + shape->list);
}

static unsigned *count_at(void *object, const struct shape *shape)
{
    return (unsigned *)((char *)object + shape->list_count);
}

static void free_texts(void *object, const struct shape *shape)
{
    char **list = *list_at(object, shape);

    for (size_t i = 0; i < shape->text_count; i++)
        free(*text_at(object, shape->texts[i]));
    for (unsigned i = 0; list && i < *count_at(object, shape); i++)
        free(list[i]);
    free(list);
}

/* Replace the text at (text), if any, by a copy; NULL if memory is out. */
static int own_text(char **text)
{
    if (!*text)
        return 0;
    *text = strdup(*text);
    return *text ? 0 : -ENOMEM;
}

/*
 * Replace (object)'s list, the caller's, by a copy; after an error it has the texts that were
 * copied.
 */
static int own_list(void *object, const struct shape *shape)
{
    char **from = *list_at(object, shape);
    unsigned *count = count_at(object, shape);
    const unsigned wanted = *count;
    char **list = wanted ? calloc(wanted, sizeof(*list)) : NULL;
    int result = wanted && !list ? -ENOMEM : 0;

    *list_at(object, shape) = list;
    *count = 0;
    for (unsigned i = 0; result == 0 && i < wanted; i++) {
        list[i] = from[i];
        result = own_text(&list[i]);
        *count = i + 1;
    }
    return result;
}

/* Replace all texts of (object), a copy of the caller's struct, by copies. */
static int own_texts(void *object, const struct shape *shape)
{
    int result = own_list(object, shape);

    for (size_t i = 0; i < shape->text_count; i++) {
        char **text = text_at(object, shape->texts[i]);

        if (result < 0)
            *text = NULL;
        else
            result = own_text(text);
    }
    if (result < 0)
        free_texts(object, shape);
    return result;
}

int config_copy(struct minivmm_config *copy, const struct minivmm_config *config)
{
    *copy = *config;
    return own_texts(copy, &config_shape);
}

void config_free(struct minivmm_config *copy)
{
    free_texts(copy, &config_shape);
}

int config_copy_image(struct minivmm_image *copy, const struct minivmm_image *image)
{
    *copy = *image;
    return own_texts(copy, &image_shape);
}

void config_free_image(struct minivmm_image *copy)
{
    free_texts(copy, &image_shape);
    *copy = (struct minivmm_image){0};
}

/* ---- The plan of a machine ---- */

/* The devices of every machine, unless the config has "off". */
static int plan_own_devices(const struct minivmm_config *config, struct machine_plan *plan,
                            struct error *error)
{
    const struct {
        const char *type, *properties;
    } devices[] = {
        {"serial", NULL},
        {"debugcon", NULL},
        {"debug-exit", config->debug_exit},
        {"ptlcall", config->ptlcall},
        {"pci-host", NULL},
        {"cmos", NULL},
        {"i8042", NULL},
        {"port92", NULL},
        {"post", NULL},
        {"fw_cfg", NULL},
    };
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (devices[i].properties && strcmp(devices[i].properties, "off") == 0)
            continue;
        result = machine_plan_add_device(plan, devices[i].type, devices[i].properties, error);
    }
    return result;
}

static unsigned parts_given(const struct minivmm_config *config)
{
    const bool devices = config->device_count || config->ptlcall || config->debug_exit;

    return (config->memory_size ? MACHINE_PLAN_MEMORY : 0) |
           (config->vcpu_count ? MACHINE_PLAN_CPUS : 0) |
           (config->irqchip ? MACHINE_PLAN_IRQCHIP : 0) | (devices ? MACHINE_PLAN_DEVICE_LIST : 0);
}

int config_plan(const struct minivmm_config *config, struct machine_plan *plan, unsigned *parts,
                struct error *error)
{
    int result = plan_own_devices(config, plan, error);

    plan->types = device_types;
    plan->memory_size = config->memory_size ? config->memory_size : MEMORY_PRESET;
    plan->vcpu_count = config->vcpu_count ? config->vcpu_count : 1;
    plan->irqchip = config->irqchip;
    *parts = parts_given(config);
    if (result == 0 && config->world)
        result = machine_plan_add_device(plan, "xen", NULL, error);
    for (unsigned i = 0; result == 0 && i < config->device_count; i++)
        result = machine_plan_add_device(plan, config->devices[i], NULL, error);
    return result;
}
