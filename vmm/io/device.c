#include "vmm/io/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct device_type *device_type_find(const struct device_type *const *types, const char *name)
{
    for (const struct device_type *const *type = types; *type; type++)
        if (strcmp((*type)->name, name) == 0)
            return *type;
    return NULL;
}

void device_print_types(const struct device_type *const *types, int fd)
{
    for (const struct device_type *const *type = types; *type; type++)
        dprintf(fd, "  %-12s %s\n", (*type)->name, (*type)->help);
}

void device_print_properties(const struct device_type *type, int fd)
{
    dprintf(fd, "%s: %s\n", type->name, type->help);
    property_print(type->properties, fd);
}

const struct device_type *device_type_of(const struct device_type *const *types,
                                         const char *description, const char **properties,
                                         struct error *error)
{
    const struct device_type *type = NULL;
    size_t length = strcspn(description, ",");
    char name[DEVICE_NAME_MAX];

    if (length < sizeof(name)) {
        memcpy(name, description, length);
        name[length] = '\0';
        type = device_type_find(types, name);
    }
    if (!type)
        error_set(error, -EINVAL, "--device %.*s: there is no such type; --device help lists them",
                  (int)length, description);
    *properties = description[length] ? description + length + 1 : NULL;
    return type;
}
