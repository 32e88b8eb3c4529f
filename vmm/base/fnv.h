/*
 * FNV-1a of 64 bits, a sum over bytes: http://www.isthe.com/chongo/tech/comp/fnv/
 */
#ifndef VMM_BASE_FNV_H
#define VMM_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START 0xcbf29ce484222325u /* of no bytes */
#define FNV_PRIME 0x100000001b3u

/* Continue (sum) with (length) bytes. */
static inline uint64_t fnv_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ bytes[i]) * FNV_PRIME;
    return sum;
}

#endif
