/* A flat image: the bytes of the file, as they are, in one place of the guest's memory. */
#include "vmm/loader.h"

#include "guest/abi/boot.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Bytes from (load) on that an image may fill: up to the end of its slot, or to the boot area. */
static uint64_t room_at(const struct memory *memory, uint64_t load)
{
    if (load >= BOOT_AREA && load < BOOT_AREA_END)
        return 0;
    for (unsigned i = 0; i < memory->slot_count; i++) {
        const struct memory_slot *slot = &memory->slots[i];

        if (load < slot->base.value || load - slot->base.value >= slot->size)
            continue;
        if (load < BOOT_AREA)
            return BOOT_AREA - load;
        return slot->size - (load - slot->base.value);
    }
    return 0;
}

/* Why there is no room at (load), or no more behind it. */
static int no_room(const char *path, uint64_t load, uint64_t room, struct error *error)
{
    if ((load >= BOOT_AREA && load < BOOT_AREA_END) || (room > 0 && load + room == BOOT_AREA))
        return error_set(error, -EBUSY,
                         "%s: loaded at 0x%" PRIx64 " it overlaps the boot area 0x%x..0x%x; "
                         "choose another --load",
                         path, load, BOOT_AREA, BOOT_AREA_END - 1);
    if (room == 0)
        return error_set(error, -ENOMEM,
                         "%s: there is no RAM at 0x%" PRIx64
                         "; give more with -m, or another --load",
                         path, load);
    return error_set(error, -ENOMEM,
                     "%s: loaded at 0x%" PRIx64 " it is larger than the guest's memory; give more "
                     "with -m, or a lower --load",
                     path, load);
}

/* read() until (room) is full or the file ends; *length bytes were read. */
static int read_all(int fd, uint8_t *place, uint64_t room, uint64_t *length)
{
    *length = 0;
    while (*length < room) {
        ssize_t count = read(fd, place + *length, room - *length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            return 0;
        *length += (uint64_t)count;
    }
    return 0;
}

/* Is there a byte behind those that were read? */
static bool has_more(int fd)
{
    uint8_t byte;
    ssize_t count;

    do
        count = read(fd, &byte, 1);
    while (count < 0 && errno == EINTR);
    return count == 1;
}

int loader_load_flat(const struct memory *memory, const char *path, int fd, uint64_t load,
                     uint64_t *end, struct error *error)
{
    uint64_t room = room_at(memory, load);
    uint8_t *place = room ? memory_at(memory, gpa(load), room) : NULL;
    uint64_t length;
    int result;

    if (!place)
        return no_room(path, load, 0, error);
    result = read_all(fd, place, room, &length);
    if (result < 0)
        return error_set(error, result, "%s: %s; give a file that can be read", path,
                         strerror(-result));
    if (length == 0)
        return error_set(error, -ENOEXEC, "%s: the image is empty; build it first", path);
    if (length == room && has_more(fd))
        return no_room(path, load, room, error);
    *end = load + length;
    return 0;
}
