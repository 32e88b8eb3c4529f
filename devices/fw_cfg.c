/*
 * QEMU's firmware configuration device, port interface only: the guest selects an item by its key
 * at port 0x510 and reads it byte by byte at 0x511. There is no DMA interface.
 *
 * Numbers in items are little-endian, except in the directory of files, where they are big-endian.
 */
#include "vmm/boot/boot_info.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <endian.h>
#include <string.h>

#define FW_CFG_PORT  0x510
#define FW_CFG_PORTS 2
#define FW_CFG_DATA  1 /* offset of the data port */

enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_CPUS = 0x05,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_DIRECTORY = 0x19,
    FW_CFG_E820 = 0x20, /* the first key of a file */
};

#define FW_CFG_ID_PORTS 1u /* bit 0: the port interface; bit 1 would be DMA */
#define FW_CFG_NAME_MAX 56
#define FW_CFG_ITEMS    7

/* The directory, with its only file. */
struct fw_cfg_directory {
    uint32_t count;
    struct {
        uint32_t size;
        uint16_t key, reserved;
        char name[FW_CFG_NAME_MAX];
    } file;
} __attribute__((packed));

struct fw_cfg_item {
    uint16_t key;
    uint32_t size;
    const uint8_t *data;
};

struct fw_cfg {
    struct device device;
    struct fw_cfg_item items[FW_CFG_ITEMS];
    unsigned item_count;

    uint32_t id;
    uint64_t ram_size;
    uint16_t cpus;
    struct fw_cfg_directory directory;
    struct e820_entry e820[BOOT_MAP_MAX];
    unsigned e820_count;

    uint16_t key;      /* the selected one */
    uint32_t position; /* of the next byte in the selected item */
};

static const struct property fw_cfg_properties[] = {{0}};

static void add_item(struct fw_cfg *fw_cfg, enum fw_cfg_key key, const void *data, size_t size)
{
    fw_cfg->items[fw_cfg->item_count].key = (uint16_t)key;
    fw_cfg->items[fw_cfg->item_count].size = (uint32_t)size;
    fw_cfg->items[fw_cfg->item_count].data = data;
    fw_cfg->item_count++;
}

static void make_items(struct fw_cfg *fw_cfg)
{
    const struct machine *machine = fw_cfg->device.machine;
    size_t e820_size;

    /* The same map that image formats pass to their guests. */
    fw_cfg->e820_count = boot_e820(&machine->memory, fw_cfg->e820);
    e820_size = fw_cfg->e820_count * sizeof(fw_cfg->e820[0]);
    fw_cfg->id = FW_CFG_ID_PORTS;
    fw_cfg->ram_size = memory_size(&machine->memory);
    fw_cfg->cpus = (uint16_t)machine->config.vcpu_count;
    fw_cfg->directory.count = htobe32(1);
    fw_cfg->directory.file.size = htobe32((uint32_t)e820_size);
    fw_cfg->directory.file.key = htobe16(FW_CFG_E820);
    strcpy(fw_cfg->directory.file.name, "etc/e820");

    add_item(fw_cfg, FW_CFG_SIGNATURE, "QEMU", 4);
    add_item(fw_cfg, FW_CFG_ID, &fw_cfg->id, sizeof(fw_cfg->id));
    add_item(fw_cfg, FW_CFG_RAM_SIZE, &fw_cfg->ram_size, sizeof(fw_cfg->ram_size));
    add_item(fw_cfg, FW_CFG_CPUS, &fw_cfg->cpus, sizeof(fw_cfg->cpus));
    add_item(fw_cfg, FW_CFG_MAX_CPUS, &fw_cfg->cpus, sizeof(fw_cfg->cpus));
    add_item(fw_cfg, FW_CFG_DIRECTORY, &fw_cfg->directory, sizeof(fw_cfg->directory));
    add_item(fw_cfg, FW_CFG_E820, fw_cfg->e820, e820_size);
}

static void select_item(struct fw_cfg *fw_cfg, uint16_t key)
{
    fw_cfg->key = key;
    fw_cfg->position = 0;
}

/* An item that does not exist is empty. */
static const struct fw_cfg_item *selected_item(const struct fw_cfg *fw_cfg)
{
    static const struct fw_cfg_item none = {0};

    for (unsigned i = 0; i < fw_cfg->item_count; i++)
        if (fw_cfg->items[i].key == fw_cfg->key)
            return &fw_cfg->items[i];
    return &none;
}

static void fw_cfg_reset(struct device *device)
{
    select_item((struct fw_cfg *)device, FW_CFG_SIGNATURE);
}

static int fw_cfg_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = FW_CFG_PORT,
        .size = FW_CFG_PORTS,
        .widest = 2,
        .name = "fw_cfg",
    };

    make_items((struct fw_cfg *)device);
    fw_cfg_reset(device);
    return device_claim(device, &claim, error);
}

static uint64_t fw_cfg_read(struct device *device, const struct device_access *access)
{
    struct fw_cfg *fw_cfg = (struct fw_cfg *)device;
    const struct fw_cfg_item *item = selected_item(fw_cfg);

    if (access->offset != FW_CFG_DATA || fw_cfg->position >= item->size)
        return 0;
    return item->data[fw_cfg->position++];
}

/* The key is one 16-bit write; items cannot be written. */
static void fw_cfg_write(struct device *device, const struct device_access *access, uint64_t value)
{
    if (access->offset == 0 && access->size == 2)
        select_item((struct fw_cfg *)device, (uint16_t)value);
}

static int fw_cfg_loaded(struct device *device, struct error *error)
{
    const struct fw_cfg *fw_cfg = (const struct fw_cfg *)device;

    if (fw_cfg->position > selected_item(fw_cfg)->size)
        return state_refuse(device, "position", error);
    return 0;
}

static const struct state_field fw_cfg_fields[] = {
    STATE_FIELD(struct fw_cfg, key),
    STATE_FIELD(struct fw_cfg, position),
    {0},
};

static const struct device_state fw_cfg_state = {
    .version = 1,
    .fields = fw_cfg_fields,
    .loaded = fw_cfg_loaded,
};

const struct device_type fw_cfg_type = {
    .name = "fw_cfg",
    .help = "QEMU's firmware configuration at ports 0x510 and 0x511: RAM, CPUs, etc/e820",
    .instance_size = sizeof(struct fw_cfg),
    .locking = DEVICE_LOCKED,
    .properties = fw_cfg_properties,
    .state = &fw_cfg_state,
    .create = fw_cfg_create,
    .read = fw_cfg_read,
    .write = fw_cfg_write,
    .reset = fw_cfg_reset,
};
