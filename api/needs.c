#include "api/needs.h"

#include "vmm/base/host_needs.h"

#include <stddef.h>

const struct option_needs option_needs[] = {
    {"initrd", HOST_NEED(HOST_READ_FILE)},
    {"stats", HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_REPORT)},
    {"ptlcall", HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_OUT_FILE) | HOST_NEED(HOST_CHECKPOINT)},
    {"stub", HOST_NEED(HOST_LIBRARY) | HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_OUT_FILE)},
    {"out", HOST_NEED(HOST_OUT_FILE)},
    {"trace", HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_THREAD)},
    {"record", HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_THREAD)},
    {"replay", HOST_NEED(HOST_READ_FILE)},
    {"exits", HOST_NEED(HOST_READ_FILE)},
    {"checkpoint-on", HOST_NEED(HOST_CHECKPOINT) | HOST_NEED(HOST_SIGNAL)},
    {"checkpoint-at", HOST_NEED(HOST_CHECKPOINT)},
    {"restore", HOST_NEED(HOST_READ_FILE)},
    {"domain", HOST_NEED(HOST_DOMAINS) | HOST_NEED(HOST_MEMORY_SLOT)},
    {"domain-console", HOST_NEED(HOST_WRITE_FILE)},
    {"allow-files", HOST_NEED(HOST_READ_FILE) | HOST_NEED(HOST_WRITE_FILE)},
    {NULL, 0},
};
