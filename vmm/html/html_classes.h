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

#define PAGE_CLASSES 512 /* then those of a kind share one, whatever their address */

struct page_class {
    char word[20]; /* of the stream: "out", "hlt" */
    bool has_address, elsewhere;
    uint64_t address; /* port, gpa, MSR; KVM's number */
    uint64_t count;
    struct histogram handled; /* ns, of those that were measured */
};

struct page_classes;

/* NULL: out of memory. */
struct page_classes *page_classes_create(void);
void page_classes_destroy(struct page_classes *classes);

/* Count the exit (event), whose line begins with (word): the number of its class. */
unsigned page_classes_count(struct page_classes *classes, const struct exit_event *event,
                            const char *word, size_t length);

/* "sub_bits" and "classes" as JSON, in the order of their numbers. */
void page_classes_put(const struct page_classes *classes, struct text *json);

#endif
