/*
 * Names from Linux, for programs that were written as its modules: what a front end and a back end
 * use besides gnttab.h and events.h.
 */
#ifndef GUEST_XEN_LINUX_H
#define GUEST_XEN_LINUX_H

#include "guest/abi/boot.h"
#include "guest/lib/console.h"
#include "guest/xen/interface.h"

#define KERN_DEBUG ""
#define KERN_INFO  ""
#define printk     printf
#define barrier()  __asm__ volatile("" : : : "memory")
#define PAGE_SIZE  4096ul
#define GFP_KERNEL 0
#define EFAULT     XEN_EFAULT

/*
 * Allocate 1 << (order) pages; only order 0 is supported, and there are eight pages. 0: no page is
 * left. (flags) is ignored.
 */
unsigned long __get_free_pages(int flags, unsigned order);
void free_page(unsigned long page);

#define virt_to_mfn(address) ((unsigned long)(address) >> XEN_FRAME_SHIFT)

/*
 * Allocate room for pages of other domains: addresses outside of RAM and of devices. (size) is
 * rounded up to pages; room is never reused. NULL: no room.
 */
struct vm_struct {
    void *addr;
};

struct vm_struct *alloc_vm_area(size_t size);
void free_vm_area(struct vm_struct *area);

/*
 * A module's parameter, from the guest arguments: the number in a word `(name)=N`, or (otherwise).
 */
int module_parameter(const struct boot_info *boot, const char *name, int otherwise);

#endif
