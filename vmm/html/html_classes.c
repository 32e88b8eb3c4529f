#include "vmm/html/html_classes.h"

#include "vmm/html/html_json.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 2048 /* of the hash table, a power of two */
#define KINDS  64   /* more than a stream has words */

struct html_classes {
    unsigned count;
    uint16_t places[PLACES]; /* the number of a class, plus 1 */
    struct html_class classes[HTML_CLASSES + KINDS];
};

struct html_classes *html_classes_create(void)
{
    return calloc(1, sizeof(struct html_classes));
}

void html_classes_destroy(struct html_classes *classes)
{
    free(classes);
}

/* The address or number of an exit, if it has one. */
static bool address_of(const struct exit_event *event, uint64_t *address)
{
    switch (event->reason) {
    case KVM_EXIT_IO:
    case KVM_EXIT_MMIO:
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        *address = event->address;
        return true;
    default: /* "system-event" and "other" have a number */
        *address = event->value;
        return event->value != 0;
    }
}

static bool is_same(const struct html_class *a, const struct html_class *b)
{
    return a->address == b->address && a->has_address == b->has_address &&
           a->elsewhere == b->elsewhere && strcmp(a->word, b->word) == 0;
}

static uint64_t hash_of(const struct html_class *class)
{
    uint64_t hash = class->address * 2 + class->elsewhere;

    for (const char *at = class->word; *at; at++)
        hash = hash * 31 + (unsigned char)*at;
    /* Multiplication by 2^64 over the golden ratio spreads neighbours; Knuth, volume 3, 6.4. */
    return hash * 0x9e3779b97f4a7c15ull >> 32;
}

/*
 * The number of a class, which is made if there are fewer than (limit); (limit): no number is left.
 */
static unsigned find(struct html_classes *classes, const struct html_class *wanted, unsigned limit)
{
    for (uint64_t hash = hash_of(wanted);; hash++) {
        uint16_t *place = &classes->places[hash % PLACES];

        if (*place && !is_same(&classes->classes[*place - 1], wanted))
            continue;
        if (!*place && classes->count >= limit)
            return limit;
        if (!*place) {
            classes->classes[classes->count++] = *wanted;
            *place = (uint16_t)classes->count;
        }
        return *place - 1u;
    }
}

unsigned html_classes_count(struct html_classes *classes, const struct exit_event *event,
                            const char *word, size_t length)
{
    struct html_class wanted = {.count = 0};
    struct html_class *class;
    unsigned number;

    if (length >= sizeof(wanted.word))
        length = sizeof(wanted.word) - 1;
    memcpy(wanted.word, word, length);
    wanted.has_address = address_of(event, &wanted.address);
    number = find(classes, &wanted, HTML_CLASSES);
    if (number == HTML_CLASSES) {
        wanted.elsewhere = true;
        wanted.address = 0;
        number = find(classes, &wanted, HTML_CLASSES + KINDS);
    }
    if (number == HTML_CLASSES + KINDS)
        number--;
    class = &classes->classes[number];
    class->count++;
    if (event->measured)
        histogram_add(&class->handled, event->handle_ns);
    return number;
}

/* In the exit's words "0x3f8", "elsewhere" or nothing follows "out". */
static void write_address(const struct html_class *class, struct text *json)
{
    if (!class->has_address)
        return;
    html_json_key(json, "address");
    text_append(json, "\"", 1);
    if (class->elsewhere)
        text_append_string(json, "elsewhere");
    else
        text_append_hex(json, class->address);
    text_append(json, "\"", 1);
}

/* Pairs of bucket and count, without the empty ones. */
static void write_buckets(const struct histogram *histogram, struct text *json)
{
    html_json_key(json, "buckets");
    text_append(json, "[", 1);
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        if (!histogram->buckets[bucket])
            continue;
        html_json_number(json, bucket);
        html_json_number(json, histogram->buckets[bucket]);
    }
    text_append(json, "]", 1);
}

static void write_class(const struct html_class *class, struct text *json)
{
    const struct histogram *handled = &class->handled;

    html_json_separate(json);
    text_append(json, "{", 1);
    html_json_key(json, "word");
    html_json_string(json, class->word, strlen(class->word));
    write_address(class, json);
    html_json_add(json, "count", class->count);
    html_json_add(json, "measured", handled->count);
    html_json_add(json, "sum", handled->sum);
    html_json_add(json, "min", handled->min);
    html_json_add(json, "median", histogram_percentile(handled, 50));
    html_json_add(json, "p99", histogram_percentile(handled, 99));
    html_json_add(json, "max", handled->max);
    write_buckets(handled, json);
    text_append(json, "}", 1);
}

void html_classes_write(const struct html_classes *classes, struct text *json)
{
    html_json_add(json, "sub_bits", HISTOGRAM_SUB_BITS);
    html_json_key(json, "classes");
    text_append(json, "[", 1);
    for (unsigned i = 0; i < classes->count; i++)
        write_class(&classes->classes[i], json);
    text_append(json, "]", 1);
}
