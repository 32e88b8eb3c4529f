/* Xen's public interface, from Debian's libxen-dev. Versions before 4.14 are not supported. */
#ifndef GUEST_XEN_INTERFACE_H
#define GUEST_XEN_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/arch-x86/cpuid.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#define XEN_FRAME_SHIFT 12 /* the bits of a gpa that a frame number lacks */
#define XEN_FRAME_SIZE  4096u

#endif
