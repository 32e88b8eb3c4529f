#include "vmm/pci.h"

#include <pthread.h>
#include <string.h>

void pci_bus_init(struct pci_bus *bus, struct machine *machine)
{
    memset(bus, 0, sizeof(*bus));
    bus->machine = machine;
    bus->memory_next = PCI_MEMORY_BASE;
    bus->io_next = PCI_IO_BASE;
    pthread_mutex_init(&bus->lock, NULL);
}

void pci_bus_destroy(struct pci_bus *bus)
{
    pthread_mutex_destroy(&bus->lock);
}
