/*
 * The list of all device types. Only api/ and tests know it; the core is handed the list that it uses.
 */
#ifndef DEVICES_TYPES_H
#define DEVICES_TYPES_H

#include "vmm/io/device.h"

/* In the order of devices.def; ended by NULL. */
extern const struct device_type *const device_types[];

#endif
