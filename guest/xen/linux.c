/* Names from Linux. */
#include "guest/xen/linux.h"

#include "guest/lib/guest.h"
#include "guest/lib/string.h"

#include <stdbool.h>

/* RAM ends below, at 3 GiB; BARs begin where this ends. */
#define AREA_BEGIN 0xd0000000ul
#define AREA_END   0xe0000000ul

#define PAGES 8
#define AREAS 64

static uint8_t pages[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool page_taken[PAGES];

static struct vm_struct areas[AREAS];
static uintptr_t area_next = AREA_BEGIN;

unsigned long __get_free_pages(int flags, unsigned order)
{
    (void)flags;
    for (unsigned i = 0; order == 0 && i < PAGES; i++) {
        if (!page_taken[i]) {
            page_taken[i] = true;
            return (unsigned long)pages[i];
        }
    }
    return 0;
}

void free_page(unsigned long page)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (page == (unsigned long)pages[i])
            page_taken[i] = false;
}

struct vm_struct *alloc_vm_area(size_t size)
{
    struct vm_struct *area = areas;

    size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (size > AREA_END - area_next)
        return NULL;
    for (; area < areas + AREAS; area++) {
        if (!area->addr) {
            area->addr = (void *)area_next;
            area_next += size;
            return area;
        }
    }
    return NULL;
}

void free_vm_area(struct vm_struct *area)
{
    area->addr = NULL;
}

int module_parameter(const struct boot_info *boot, const char *name, int otherwise)
{
    const size_t length = strlen(name);

    for (const char *text = boot->command; *text != '\0'; text++) {
        const bool begins = text == boot->command || text[-1] == ' ';

        if (begins && strncmp(text, name, length) == 0 && text[length] == '=')
            return (int)number_read(text + length + 1);
    }
    return otherwise;
}
