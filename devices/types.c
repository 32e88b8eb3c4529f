#include "devices/types.h"

#define DEVICE(name) extern const struct device_type name##_type;
#include "devices/devices.def"
#undef DEVICE

const struct device_type *const device_types[] = {
#define DEVICE(name) &name##_type,
#include "devices/devices.def"
#undef DEVICE
    NULL,
};
