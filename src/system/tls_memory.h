#ifndef SYSTEM_TLS_MEMORY_H
#define SYSTEM_TLS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Theory of Operation
 *
 * OpenSSL takes a buffer of 16 to 64 KiB for each record or batch of records that it reads or
 * writes, and gives it back when nothing is left in it (SSL_MODE_RELEASE_BUFFERS). From the heap
 * these come and go between small blocks that stay: each request costs a search for a large place,
 * and the places that were once filled stay resident under whatever small block comes next. So
 * large blocks have a region of their own:
 *
 *   region   address space for TLS_MEMORY_SLOTS slots of TLS_MEMORY_SLOT_BYTES, reserved once
 *   slot     unused -> in use -> warm (its pages are kept; the next taker gets the latest)
 *                             -> cold (its pages went back to the kernel) when enough are warm
 *
 * Smaller and larger blocks, and all when no slot is left, come from malloc.
 */

enum {
    TLS_MEMORY_SLOT_BYTES = 72 * 1024, /* the read buffer of a server connection and its header */
    TLS_MEMORY_SLOTS = 4096,
    TLS_MEMORY_WARM_SLOTS = 16,
    TLS_MEMORY_BLOCK_MIN = 16 * 1024, /* smaller blocks are malloc's */
    /* One block a connection of TLS 1.3, as long as it lives: three times what there can be. */
    TLS_MEMORY_KEYS_BYTES = 256 * 1024,
    TLS_MEMORY_KEY_BLOCK_BYTES = 32,
};

/** Give OpenSSL this memory; before its first use in the process. False when it is too late. */
bool tls_memory_install(void);

/**
 * Private keys that OpenSSL makes or reads from here on stand in locked pages that are in no dump.
 * False when there is no memory for it; a limit on locked memory is no failure.
 */
bool tls_memory_keep_keys_apart(void);

/** As malloc, realloc and free. */
void *tls_memory_allocate(size_t size);
void *tls_memory_resize(void *block, size_t size);
void tls_memory_release(void *block);

#endif
