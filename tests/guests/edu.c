/* A driver of the teaching device edu: all its functions, with both kinds of interrupt. */
#include "guest/abi/edu.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/pci.h"
#include "guest/lib/string.h"

/* Local APIC and IOAPIC: Intel SDM volume 3A, chapter 10; 82093AA data sheet. */
#define LOCAL_APIC    0xfee00000ul
#define APIC_EOI      (LOCAL_APIC + 0xb0)
#define APIC_SPURIOUS (LOCAL_APIC + 0xf0)
#define APIC_ENABLE   0x100u
#define IOAPIC_SELECT 0xfec00000ul
#define IOAPIC_WINDOW 0xfec00010ul
#define IOAPIC_ENTRY  0x10u   /* two registers for each pin */
#define IOAPIC_LEVEL  0x8000u /* PCI interrupts are level-triggered ... */
#define IOAPIC_LOW    0x2000u /* ... and active low */
#define PIC_MASK_1    0x21
#define PIC_MASK_2    0xa1

#define VECTOR_INTX     0x30
#define VECTOR_MSI      0x31
#define VECTOR_SPURIOUS 0x3f
#define VECTORS         0x40

#define WAIT_ROUNDS 1000000u
#define DMA_BYTES   1000u

static struct idt_gate idt[VECTORS];
static uintptr_t edu; /* BAR0 */

/* Set by the handlers. */
static struct {
    unsigned intx, msi;
    uint32_t status;
} volatile seen;

static uint8_t sent[DMA_BYTES], received[DMA_BYTES];

static uint32_t edu_read(unsigned reg)
{
    return load32(edu + reg);
}

static void edu_write(unsigned reg, uint32_t value)
{
    store32(edu + reg, value);
}

/*
 * The device first: its line must be low when the interrupt controller gets its EOI. False: it had
 * raised nothing. On busy hosts a level-triggered interrupt was delivered once more than it was
 * raised; drivers of shared lines ignore that.
 */
__attribute__((no_caller_saved_registers)) static bool acknowledge(void)
{
    const uint32_t status = edu_read(EDU_INTERRUPTS);

    if (status) {
        seen.status = status;
        edu_write(EDU_ACKNOWLEDGE, status);
    }
    store32(APIC_EOI, 0);
    return status != 0;
}

__attribute__((interrupt)) static void intx_handler(struct interrupt_frame *frame)
{
    (void)frame;
    if (acknowledge())
        seen.intx++;
}

__attribute__((interrupt)) static void msi_handler(struct interrupt_frame *frame)
{
    (void)frame;
    if (acknowledge())
        seen.msi++;
}

__attribute__((interrupt)) static void spurious_handler(struct interrupt_frame *frame)
{
    (void)frame;
}

/* An IDT with the library's exceptions and the handlers; the unused PICs are masked. */
static void interrupts_init(void)
{
    struct table_register exceptions;

    exceptions_init();
    __asm__ volatile("sidt %0" : "=m"(exceptions));
    memcpy(idt, (const void *)exceptions.base, exceptions.limit + 1u);
    idt[VECTOR_INTX] = idt_gate_to((uint64_t)intx_handler);
    idt[VECTOR_MSI] = idt_gate_to((uint64_t)msi_handler);
    idt[VECTOR_SPURIOUS] = idt_gate_to((uint64_t)spurious_handler);
    idt_load(idt, VECTORS);
    out8(PIC_MASK_1, 0xff);
    out8(PIC_MASK_2, 0xff);
    store32(APIC_SPURIOUS, APIC_ENABLE | VECTOR_SPURIOUS);
}

static void ioapic_write(unsigned reg, uint32_t value)
{
    store32(IOAPIC_SELECT, reg);
    store32(IOAPIC_WINDOW, value);
}

/* Enable interrupts until (*count) is no longer 0. */
static void wait_for(const volatile unsigned *count)
{
    __asm__ volatile("sti");
    for (unsigned round = 0; *count == 0 && round < WAIT_ROUNDS; round++)
        __asm__ volatile("pause");
    __asm__ volatile("cli");
}

static void check_registers(void)
{
    check_group("registers");
    check_equal("identification", edu_read(EDU_IDENTIFICATION), EDU_IDENTITY);
    edu_write(EDU_LIVENESS, 0x12345678);
    check_equal("liveness", edu_read(EDU_LIVENESS), ~0x12345678u);
    check_equal("a byte of a register", load8(edu + EDU_LIVENESS), 0xff);
    check_equal("8 bytes of narrow registers", load64(edu + EDU_LIVENESS), ~0ull);
    check_equal("no register", edu_read(0x40), ~0u);
}

static void check_factorial(void)
{
    static const struct {
        uint32_t number, factorial;
    } cases[] = {{0, 1}, {1, 1}, {5, 120}, {12, 479001600}, {13, 1932053504}, {34, 0}, {~0u, 0}};

    check_group("factorial");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        edu_write(EDU_FACTORIAL, cases[i].number);
        while (edu_read(EDU_STATUS) & EDU_STATUS_COMPUTING)
            ;
        check_equal("n!", edu_read(EDU_FACTORIAL), cases[i].factorial);
    }
}

/* Returns the command register once the transfer is complete. */
static uint64_t dma(uint64_t source, uint64_t destination, uint64_t count, uint64_t command)
{
    store64(edu + EDU_DMA_SOURCE, source);
    store64(edu + EDU_DMA_DESTINATION, destination);
    store64(edu + EDU_DMA_COUNT, count);
    store64(edu + EDU_DMA_COMMAND, EDU_DMA_START | command);
    while (load64(edu + EDU_DMA_COMMAND) & EDU_DMA_START)
        ;
    return load64(edu + EDU_DMA_COMMAND);
}

static void check_dma(unsigned slot)
{
    const uint64_t from = (uint64_t)sent, to = (uint64_t)received;

    check_group("DMA");
    for (unsigned i = 0; i < DMA_BYTES; i++)
        sent[i] = (uint8_t)(i * 7 + 1);
    pci_command(slot, 0, PCI_COMMAND_BUS_MASTER);
    check_equal("fails without the bus master bit", dma(from, EDU_BUFFER, DMA_BYTES, 0),
                EDU_DMA_FAILED);
    pci_command(slot, PCI_COMMAND_BUS_MASTER, 0);
    check_equal("RAM to edu", dma(from, EDU_BUFFER + 96, DMA_BYTES, 0), 0);
    check_equal("edu to RAM", dma(EDU_BUFFER + 96, to, DMA_BYTES, EDU_DMA_FROM_EDU),
                EDU_DMA_FROM_EDU);
    check("what came back", memcmp(sent, received, DMA_BYTES) == 0);
    check_equal("fails past the buffer", dma(from, EDU_BUFFER + 4000, DMA_BYTES, 0),
                EDU_DMA_FAILED);
    check_equal("fails outside RAM",
                dma(EDU_BUFFER, LOCAL_APIC, DMA_BYTES, EDU_DMA_FROM_EDU | EDU_DMA_INTERRUPT),
                EDU_DMA_FROM_EDU | EDU_DMA_INTERRUPT | EDU_DMA_FAILED);
    check_equal("and raises its interrupt", edu_read(EDU_INTERRUPTS), EDU_INTERRUPT_DMA);
    edu_write(EDU_ACKNOWLEDGE, EDU_INTERRUPT_DMA);
    check_equal("acknowledged", edu_read(EDU_INTERRUPTS), 0);
}

static void check_intx(unsigned slot)
{
    const unsigned entry = IOAPIC_ENTRY + 2u * pci_read8(slot, PCI_REG_INTERRUPT_LINE);

    check_group("INTx");
    check_equal("pin", pci_read8(slot, PCI_REG_INTERRUPT_PIN), 1);
    ioapic_write(entry + 1, 0);
    ioapic_write(entry, IOAPIC_LEVEL | IOAPIC_LOW | VECTOR_INTX);
    edu_write(EDU_RAISE, 0x20);
    check("pending", pci_read16(slot, PCI_REG_STATUS) & PCI_STATUS_INTERRUPT);
    wait_for(&seen.intx);
    check_equal("interrupts", seen.intx, 1);
    check_equal("what was raised", seen.status, 0x20);
    edu_write(EDU_STATUS, EDU_STATUS_INTERRUPT);
    seen.intx = 0;
    edu_write(EDU_FACTORIAL, 6);
    wait_for(&seen.intx);
    check_equal("interrupts when 6! is computed", seen.intx, 1);
    check_equal("what was raised", seen.status, EDU_INTERRUPT_FACTORIAL);
    check_equal("6!", edu_read(EDU_FACTORIAL), 720);
    edu_write(EDU_STATUS, 0);
    check_equal("acknowledged", edu_read(EDU_INTERRUPTS), 0);
}

static void check_msi(unsigned slot)
{
    const unsigned msi = pci_capability(slot, PCI_CAPABILITY_MSI);

    check_group("MSI");
    check("capability", msi != 0);
    if (msi == 0)
        return;
    seen.intx = 0;
    pci_write32(slot, msi + PCI_MSI_ADDRESS, LOCAL_APIC);
    pci_write32(slot, msi + PCI_MSI_ADDRESS_HIGH, 0);
    pci_write16(slot, msi + PCI_MSI_DATA, VECTOR_MSI);
    pci_write16(slot, msi + PCI_MSI_CONTROL, PCI_MSI_ENABLE);
    dma((uint64_t)sent, EDU_BUFFER, 1, EDU_DMA_INTERRUPT);
    wait_for(&seen.msi);
    check_equal("interrupts when a transfer is over", seen.msi, 1);
    check_equal("what was raised", seen.status, EDU_INTERRUPT_DMA);
    check_equal("none by INTx", seen.intx, 0);
}

int main(const struct boot_info *boot)
{
    const int slot = pci_find(EDU_VENDOR, EDU_DEVICE);
    struct pci_bar bar;

    (void)boot;
    check("there is an edu", slot >= 0);
    if (slot < 0)
        return check_summary();
    bar = pci_bar_read((unsigned)slot, 0);
    check_equal("class", pci_read16((unsigned)slot, PCI_REG_SUBCLASS), 0x00ff);
    check_equal("bytes of BAR0", bar.size, EDU_BAR_SIZE);
    edu = bar.address;
    pci_command((unsigned)slot, PCI_COMMAND_MEMORY, 0);
    interrupts_init();
    check_registers();
    check_factorial();
    check_dma((unsigned)slot);
    check_intx((unsigned)slot);
    check_msi((unsigned)slot);
    return check_summary();
}
