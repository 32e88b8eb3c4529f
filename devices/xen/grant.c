/*
 * The granter's entries with their pins, and the mapper's list of mappings, whose index is the
 * handle.
 */
#include "devices/xen/grant.h"

#include <errno.h>
#include <string.h>

/* An entry as two little-endian words: flags and domid change together. */
struct entry {
    uint32_t access; /* flags, and from bit 16 on the domid */
    uint32_t frame;
};

#define ACCESS_DOMID(access) ((domid_t)((access) >> 16))

_Static_assert(sizeof(struct entry) == sizeof(grant_entry_v1_t), "an entry is 8 bytes");

void grant_table_init(struct grant_table *table, struct memory *memory)
{
    memset(table, 0, sizeof(*table));
    pthread_mutex_init(&table->lock, NULL);
    table->memory = memory;
    for (unsigned i = 0; i < GRANT_FRAMES; i++)
        table->frames[i] = gpa(GRANT_NO_FRAME);
}

void grant_table_finish(struct grant_table *table)
{
    pthread_mutex_destroy(&table->lock);
}

static bool is_page(const struct memory *memory, gpa_t address)
{
    return (address.value & PAGE_MASK) == 0 && memory_at(memory, address, PAGE_SIZE);
}

static int place(struct grant_table *table, unsigned index, gpa_t frame)
{
    uint8_t entries[PAGE_SIZE] = {0};

    if (!table->memory || index >= GRANT_FRAMES || !is_page(table->memory, frame))
        return -EINVAL;
    if (table->frames[index].value != GRANT_NO_FRAME)
        memory_read(table->memory, table->frames[index], entries, PAGE_SIZE);
    memory_write(table->memory, frame, entries, PAGE_SIZE);
    table->frames[index] = frame;
    if (index >= table->frame_count)
        table->frame_count = index + 1;
    return 0;
}

int grant_table_place(struct grant_table *table, unsigned index, gpa_t frame)
{
    int result;

    pthread_mutex_lock(&table->lock);
    result = place(table, index, frame);
    pthread_mutex_unlock(&table->lock);
    return result;
}

unsigned grant_table_size(struct grant_table *table)
{
    unsigned count;

    pthread_mutex_lock(&table->lock);
    count = table->frame_count;
    pthread_mutex_unlock(&table->lock);
    return count;
}

/* Entry (ref), or NULL: beyond the table, or the granter has died. */
static struct entry *entry_at(const struct grant_table *table, grant_ref_t ref)
{
    const unsigned index = ref / GRANT_FRAME_ENTRIES;
    gpa_t address;

    if (!table->memory || index >= table->frame_count ||
        table->frames[index].value == GRANT_NO_FRAME)
        return NULL;
    address = gpa(table->frames[index].value + ref % GRANT_FRAME_ENTRIES * sizeof(struct entry));
    return memory_at(table->memory, address, sizeof(struct entry));
}

/* Does an entry whose word is (access) let (mapper) map it? Sub-page grants can only be copied. */
static bool access_permits(uint32_t access, domid_t mapper, bool readonly)
{
    return (access & (GTF_type_mask | GTF_sub_page)) == GTF_permit_access &&
           ACCESS_DOMID(access) == mapper && (readonly || !(access & GTF_readonly));
}

/* Set the reading flag, and the writing flag unless (readonly), as long as access is permitted. */
static bool entry_mark(struct entry *entry, domid_t mapper, bool readonly)
{
    const uint32_t marks = GTF_reading | (readonly ? 0 : GTF_writing);
    uint32_t access = __atomic_load_n(&entry->access, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < GRANT_TRIES; i++) {
        if (!access_permits(access, mapper, readonly))
            return false;
        if (__atomic_compare_exchange_n(&entry->access, &access, access | marks, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

/* Clear the flags for which (pins) has no pin. */
static void entry_unmark(struct entry *entry, const struct grant_pins *pins)
{
    uint32_t marks = 0;

    if (pins->writers == 0)
        marks |= GTF_writing;
    if (pins->writers == 0 && pins->readers == 0)
        marks |= GTF_reading;
    if (marks)
        __atomic_fetch_and(&entry->access, ~marks, __ATOMIC_SEQ_CST);
}

static uint32_t *pin_count(struct grant_pins *pins, bool readonly)
{
    return readonly ? &pins->readers : &pins->writers;
}

static int pin(struct grant_table *table, grant_ref_t ref, domid_t mapper, bool readonly,
               gpa_t *page)
{
    struct entry *entry;
    gpa_t granted;

    if (!table->memory)
        return GNTST_general_error;
    entry = entry_at(table, ref);
    if (!entry || ref < GNTTAB_NR_RESERVED_ENTRIES)
        return GNTST_bad_gntref;
    if (!entry_mark(entry, mapper, readonly))
        return GNTST_general_error;
    granted = gpa(__atomic_load_n(&entry->frame, __ATOMIC_SEQ_CST) * PAGE_SIZE);
    if (!is_page(table->memory, granted)) {
        entry_unmark(entry, &table->pins[ref]);
        return GNTST_bad_page;
    }
    ++*pin_count(&table->pins[ref], readonly);
    *page = granted;
    return GNTST_okay;
}

int grant_pin(struct grant_table *table, grant_ref_t ref, domid_t mapper, bool readonly,
              gpa_t *page)
{
    int status;

    pthread_mutex_lock(&table->lock);
    status = pin(table, ref, mapper, readonly, page);
    pthread_mutex_unlock(&table->lock);
    return status;
}

static void unpin(struct grant_table *table, grant_ref_t ref, bool readonly)
{
    uint32_t *count = pin_count(&table->pins[ref], readonly);
    struct entry *entry = entry_at(table, ref);

    if (*count == 0)
        return;
    --*count;
    if (entry)
        entry_unmark(entry, &table->pins[ref]);
}

void grant_unpin(struct grant_table *table, grant_ref_t ref, bool readonly)
{
    if (ref >= GRANT_ENTRIES)
        return;
    pthread_mutex_lock(&table->lock);
    unpin(table, ref, readonly);
    pthread_mutex_unlock(&table->lock);
}

void grant_table_close(struct grant_table *table)
{
    pthread_mutex_lock(&table->lock);
    table->memory = NULL;
    pthread_mutex_unlock(&table->lock);
}

void grant_handles_init(struct grant_handles *handles)
{
    memset(handles, 0, sizeof(*handles));
    pthread_mutex_init(&handles->lock, NULL);
}

void grant_handles_finish(struct grant_handles *handles)
{
    pthread_mutex_destroy(&handles->lock);
}

/* The lowest handle whose mapping is used, or is not; GRANT_HANDLES if there is none. */
static uint32_t find_handle(const struct grant_handles *handles, bool used)
{
    uint32_t handle = 0;

    while (handle < GRANT_HANDLES && handles->list[handle].used != used)
        handle++;
    return handle;
}

static void take_mapping(struct grant_handles *handles, uint32_t handle,
                         struct grant_mapping *mapping)
{
    *mapping = handles->list[handle];
    handles->list[handle].used = false;
}

int grant_handle_add(struct grant_handles *handles, const struct grant_mapping *mapping)
{
    uint32_t handle;

    pthread_mutex_lock(&handles->lock);
    handle = find_handle(handles, false);
    if (handle < GRANT_HANDLES) {
        handles->list[handle] = *mapping;
        handles->list[handle].used = true;
    }
    pthread_mutex_unlock(&handles->lock);
    return handle < GRANT_HANDLES ? (int)handle : -ENOSPC;
}

int grant_handle_take(struct grant_handles *handles, uint32_t handle, uint64_t address,
                      struct grant_mapping *mapping)
{
    int status = GNTST_okay;

    if (handle >= GRANT_HANDLES)
        return GNTST_bad_handle;
    pthread_mutex_lock(&handles->lock);
    if (!handles->list[handle].used)
        status = GNTST_bad_handle;
    else if (handles->list[handle].address != address)
        status = GNTST_bad_virt_addr;
    else
        take_mapping(handles, handle, mapping);
    pthread_mutex_unlock(&handles->lock);
    return status;
}

bool grant_handle_take_any(struct grant_handles *handles, struct grant_mapping *mapping)
{
    uint32_t handle;

    pthread_mutex_lock(&handles->lock);
    handle = find_handle(handles, true);
    if (handle < GRANT_HANDLES)
        take_mapping(handles, handle, mapping);
    pthread_mutex_unlock(&handles->lock);
    return handle < GRANT_HANDLES;
}
