/* The library catches exceptions, in ring 0 and ring 3, and continues. */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"

#include <stddef.h>

#define UNMAPPED 0x700000001234ul

static void page_fault(void *argument)
{
    *(volatile uint8_t *)argument = 1;
}

static void undefined(void *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
}

static void protection(void *argument)
{
    (void)argument;
    *(volatile uint8_t *)0x8000000000000000ul = 1;
}

static void division(void *argument)
{
    unsigned high = 0, low = 1;

    (void)argument;
    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(0));
}

static void nothing(void *argument)
{
    (void)argument;
}

struct ring3_case {
    void (*function)(void *argument);
    void *argument;
};

static uint64_t in_ring3(void *argument)
{
    struct ring3_case *ring3_case = argument;

    ring3_case->function(ring3_case->argument);
    return 0;
}

static void call_ring3(void *argument)
{
    ring3_call(in_ring3, argument);
}

static uint64_t ring_of_caller(void *argument)
{
    uint16_t cs;

    (void)argument;
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    return cs & 3;
}

static void check_vectors(bool ring3)
{
    const struct {
        const char *name;
        void (*function)(void *argument);
        uint64_t vector;
    } cases[] = {
        {"division error", division, EXCEPTION_DE},
        {"undefined instruction", undefined, EXCEPTION_UD},
        {"protection fault", protection, EXCEPTION_GP},
        {"page fault", page_fault, EXCEPTION_PF},
    };

    check_group(ring3 ? "ring 3" : "ring 0");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ring3_case inner = {cases[i].function, (void *)UNMAPPED};
        struct exception caught;
        bool found = ring3 ? exception_catch(call_ring3, &inner, &caught)
                           : exception_catch(inner.function, inner.argument, &caught);
        check_equal(cases[i].name, found ? caught.vector : EXCEPTIONS, cases[i].vector);
        if (cases[i].vector == EXCEPTION_PF)
            check_equal("its address", caught.address, UNMAPPED);
    }
}

/* Caught in ring 3, which goes on there. */
static uint64_t catch_in_ring3(void *argument)
{
    struct exception caught;

    check("it is caught", exception_catch(page_fault, (void *)UNMAPPED, &caught));
    check_equal("vector", caught.vector, EXCEPTION_PF);
    check_equal("address", caught.address, UNMAPPED);
    check("a second one, too", exception_catch(undefined, NULL, &caught));
    check_equal("vector", caught.vector, EXCEPTION_UD);
    check("and no exception is none", !exception_catch(nothing, NULL, &caught));
    return ring_of_caller(argument);
}

int main(const struct boot_info *boot)
{
    struct exception caught;

    (void)boot;
    exceptions_init();
    check_vectors(false);
    check_vectors(true);
    check_group("within ring 3");
    check_equal("it is still ring 3", ring3_call(catch_in_ring3, NULL), 3);
    check_group("");
    check("no exception", !exception_catch(nothing, NULL, &caught));
    check_equal("ring3_call() runs in ring 3", ring3_call(ring_of_caller, NULL), 3);
    return check_summary();
}
