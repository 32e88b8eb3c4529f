/*
 * Exceptions and ring 3, in long mode.
 *
 * Call exceptions_init() first: it replaces the boot GDT by one with the same selectors and those
 * of ring 3, and sets up a TSS and an IDT. Pages must be accessible to ring 3, as under the boot
 * contract.
 */
#ifndef GUEST_LIB_EXCEPTION_H
#define GUEST_LIB_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

enum exception_vector {
    EXCEPTION_DE = 0,
    EXCEPTION_UD = 6,
    EXCEPTION_DF = 8,
    EXCEPTION_GP = 13,
    EXCEPTION_PF = 14,
    EXCEPTIONS = 32,
};

#define SELECTOR_USER_DATA   0x23
#define SELECTOR_USER_CODE64 0x2b
#define SELECTOR_TSS         0x30

struct exception {
    uint64_t vector, error;
    uint64_t rip;     /* of the instruction that failed */
    uint64_t address; /* CR2, for EXCEPTION_PF */
};

void exceptions_init(void);

/* Has exceptions_init() been called, so that exception_catch() works? */
bool exceptions_are_caught(void);

/*
 * Call function(argument). Returns whether an exception ended it, in this ring or in a ring3_call()
 * inside it; *caught describes the exception. Works in ring 0 and in ring 3. An exception outside of
 * exception_catch() ends the guest with STATUS_EXCEPTION.
 */
bool exception_catch(void (*function)(void *argument), void *argument, struct exception *caught);

/*
 * Call function(argument) in ring 3, with access to all ports, on its own stack; returns its
 * result. Calls must not be nested.
 */
uint64_t ring3_call(uint64_t (*function)(void *argument), void *argument);

#endif
