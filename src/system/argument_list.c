#include "system/argument_list.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUOTED_CAP = 4 << 20 };

void argument_list_init(struct argument_list *list)
{
    *list = (struct argument_list){0};
}

void argument_list_done(struct argument_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->texts[i]);
    free(list->texts);
    argument_list_init(list);
}

static void add_owned(struct argument_list *list, char *text)
{
    list->texts = memory_resize_array(list->texts, list->count + 2, sizeof(*list->texts));
    list->texts[list->count++] = text;
    list->texts[list->count] = NULL;
}

void argument_list_add(struct argument_list *list, const char *text)
{
    add_owned(list, memory_copy_text(text));
}

void argument_list_add_format(struct argument_list *list, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    add_owned(list, text);
}

void argument_list_add_all(struct argument_list *list, ...)
{
    va_list texts;
    va_start(texts, list);
    for (const char *text = va_arg(texts, const char *); text; text = va_arg(texts, const char *))
        argument_list_add(list, text);
    va_end(texts);
}

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./:,@%";
    return *text != '\0' && text[strspn(text, plain)] == '\0';
}

/* POSIX shell: inside single quotes nothing is special but the single quote itself. */
static void quote_one(struct buffer *out, const char *text)
{
    if (is_plain(text)) {
        CHECK(buffer_append_text(out, text));
        return;
    }
    CHECK(buffer_append_byte(out, '\''));
    for (; *text; text++) {
        if (*text == '\'')
            CHECK(buffer_append_text(out, "'\\''"));
        else
            CHECK(buffer_append_byte(out, (uint8_t)*text));
    }
    CHECK(buffer_append_byte(out, '\''));
}

char *argument_list_quote(const struct argument_list *list)
{
    struct buffer out;
    buffer_init(&out, QUOTED_CAP);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            CHECK(buffer_append_byte(&out, ' '));
        quote_one(&out, list->texts[i]);
    }
    char *text = bytes_copy_text(buffer_bytes(&out));
    buffer_done(&out);
    return text;
}
