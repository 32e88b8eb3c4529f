/*
 * The classes of a page: exits of one kind at one port, address or MSR, with their handler times.
 */
#ifndef VMM_HTML_HTML_CLASSES_H
#define VMM_HTML_HTML_CLASSES_H

#include "vmm/base/histogram.h"
#include "vmm/base/text.h"
#include "vmm/record/exit_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_CLASSES 512 /* the limit; then all new ones of a kind share one, for any address */

struct html_class {
    char word[20]; /* of the stream: "out", "hlt" */
    bool has_address, elsewhere;
    uint64_t address; /* port, gpa, MSR; KVM's number */
    uint64_t count;
    struct histogram handled; /* ns, of those that were measured */
};

struct html_classes;

/* NULL: out of memory. */
struct html_classes *html_classes_create(void);
void html_classes_destroy(struct html_classes *classes);

/* Count the exit (event), whose line begins with (word). Returns the number of its class. */
unsigned html_classes_count(struct html_classes *classes, const struct exit_event *event,
                            const char *word, size_t length);

/* "sub_bits" and "classes" as JSON, in the order of their numbers. */
void html_classes_write(const struct html_classes *classes, struct text *json);

#endif
