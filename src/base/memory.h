#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/*
 * Allocation that cannot fail: a process that is out of memory ends. Every length that a peer
 * controls is therefore capped before it gets here.
 */

/** Zeroed block of `size` bytes (at least 1), owned by the caller, released with free(). */
void *memory_new(size_t size);

/** Zeroed array; ends the process when count * size overflows. */
void *memory_new_array(size_t count, size_t size);

/** realloc that cannot fail; new bytes are not initialised. */
void *memory_resize_array(void *block, size_t count, size_t size);

/** Copy of a NUL-terminated text, owned by the caller. */
char *memory_copy_text(const char *text);

/** printf into a new text, owned by the caller. */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void memory_free_cleanup(void *pointer_to_block);

/** A block released when its variable leaves scope. */
#define CLEANUP_FREE __attribute__((cleanup(memory_free_cleanup)))

#endif
