#include "api/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Where a struct has its texts, and a list of them. */
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

/* The text at (text), if any, becomes one of our own; NULL if there is no memory. */
static int own_text(char **text)
{
    if (!*text)
        return 0;
    *text = strdup(*text);
    return *text ? 0 : -ENOMEM;
}

/* (object) has the caller's list, and gets one of its own, whose texts are its own as far as it goes. */
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

/* (object) is a copy of the caller's, texts and all. */
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

int copy_config(struct minivmm_config *copy, const struct minivmm_config *config)
{
    *copy = *config;
    return own_texts(copy, &config_shape);
}

void copy_free_config(struct minivmm_config *copy)
{
    free_texts(copy, &config_shape);
}

int copy_image(struct minivmm_image *copy, const struct minivmm_image *image)
{
    *copy = *image;
    return own_texts(copy, &image_shape);
}

void copy_free_image(struct minivmm_image *copy)
{
    free_texts(copy, &image_shape);
    *copy = (struct minivmm_image){0};
}
