/*
 * The device `alarm`: what guest and monitor share. docs/devices.md describes it.
 */
#ifndef ABI_ALARM_H
#define ABI_ALARM_H

#define ALARM_PORT  0xda0u /* the first of ALARM_PORTS, unless port= gives another */
#define ALARM_PORTS 16u

/* Offsets from the first port; each register has 4 bytes. */
#define ALARM_ONCE        0u /* write: go off once, in so many microseconds; 0: stop */
#define ALARM_EVERY       4u /* write: go off every so many microseconds; 0: stop; read: the period */
#define ALARM_COUNT       8u  /* read: how often it went off, modulo 2^32 */
#define ALARM_ACKNOWLEDGE 12u /* write: the interrupt line goes down, whatever the value */

#endif
