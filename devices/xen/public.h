/*
 * Xen's public interface as the monitor uses it: Debian's libxen-dev, where a guest handle is a
 * plain number. Versions before 4.14 are not supported.
 */
#ifndef DEVICES_XEN_PUBLIC_H
#define DEVICES_XEN_PUBLIC_H

#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#define XEN_VERSION (4u << 16 | 17u) /* the interface version that is reported */

#endif
