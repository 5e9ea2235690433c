#include "base/memory.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_new(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    CHECK(block != NULL);
    return block;
}

void *memory_new_array(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);
    CHECK(block != NULL);
    return block;
}

void *memory_resize_array(void *block, size_t count, size_t size)
{
    void *resized = reallocarray(block, count ? count : 1, size ? size : 1);
    CHECK(resized != NULL);
    return resized;
}

char *memory_copy_text(const char *text)
{
    char *copy = strdup(text);
    CHECK(copy != NULL);
    return copy;
}

char *memory_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    return text;
}

void memory_free_cleanup(void *pointer_to_block)
{
    void *block;
    memcpy(&block, pointer_to_block, sizeof(block));
    free(block);
}
