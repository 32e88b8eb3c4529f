/*
 * Two domains without KVM: fixture machines with the device `xen`, in 64-bit mode, whose
 * hypercalls are invented exits.
 *
 * All 16 MiB are mapped to themselves. At BAD there are pages that a pointer must not reach.
 */
#ifndef TESTS_UNIT_XEN_GUEST_H
#define TESTS_UNIT_XEN_GUEST_H

#include "devices/xen/hypercall.h"
#include "tests/unit/fixture.h"

/* Guest memory, gpa. */
#define XEN_BAD_TABLE 0x14000u  /* the page table of XEN_BAD */
#define XEN_SHARED    0x100000u /* shared_info, if placed */
#define XEN_TABLE     0x101000u /* the grant table's first frame, if placed */
#define XEN_PAGE      0x102000u /* to be granted */
#define XEN_ARG       0x110000u /* structures of hypercalls */
#define XEN_BUFFER    0x120000u

/* Pages of linear addresses at 1 GiB, by number. */
#define XEN_BAD         0x40000000u
#define XEN_BAD_PAGE(n) (XEN_BAD + (n)*PAGE_SIZE)
#define XEN_SPLIT       XEN_BAD_PAGE(1) /* between two pages that are not neighbours in RAM */
#define XEN_ABSENT      XEN_BAD_PAGE(2) /* not present, after RAM */
#define XEN_NO_RAM      XEN_BAD_PAGE(4) /* mapped outside RAM, after RAM */

#define XEN_MAPS 8

struct xen_guest {
    struct fixture fixture;
    struct xen_domain domain;

    /* Mappings that the map callback got and that were not undone. */
    struct {
        uint64_t address;
        uint8_t *host; /* NULL: none */
        bool readonly;
    } maps[XEN_MAPS];
    int map_result;      /* of the next map or unmap; 0: it works */
    bool map_hides_page; /* XEN_BAD_PAGE(1) is not present any more after a map */

    unsigned messages; /* interrupts sent */
    uint64_t message_address;
    uint32_t message_data;
};

struct xen_pair {
    struct xen_world world;
    struct xen_guest guests[XEN_DOMAINS];
};

void xen_pair_begin(struct xen_pair *pair);
void xen_pair_end(struct xen_pair *pair);

/* Copy to and from the guest's RAM; aborts the test outside of it. */
void xen_put(struct xen_guest *guest, uint64_t address, const void *bytes, uint64_t length);
void xen_get(struct xen_guest *guest, uint64_t address, void *bytes, uint64_t length);

/* A hypercall with three arguments: its result; no other register changes. */
int64_t xen_call(struct xen_guest *guest, uint64_t number, uint64_t first, uint64_t second,
                 uint64_t third);

/* The same with a structure at XEN_ARG, which is copied there and back. */
int64_t xen_ask(struct xen_guest *guest, uint64_t number, uint64_t operation, void *argument,
                size_t size);
#define XEN_ASK(guest, number, operation, argument)                                                \
    xen_ask(guest, number, operation, argument, sizeof(*(argument)))

/* A grant table operation on one structure at XEN_ARG. */
int64_t xen_grant(struct xen_guest *guest, unsigned operation, void *argument, size_t size);
#define XEN_GRANT(guest, operation, argument)                                                      \
    xen_grant(guest, operation, argument, sizeof(*(argument)))

/* Place shared_info and the first frame of the grant table. */
void xen_place_pages(struct xen_guest *guest);

/* Grant page (address) under (ref). */
void xen_permit(struct xen_guest *guest, grant_ref_t ref, domid_t domid, uint64_t address,
                uint16_t flags);
uint16_t xen_grant_flags(struct xen_guest *guest, grant_ref_t ref);

/* The page that is mapped at (address), or NULL. */
uint8_t *xen_mapped(struct xen_guest *guest, uint64_t address);

#endif
