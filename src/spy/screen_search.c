#include "spy/screen_search.h"

#include <string.h>

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

void screen_search_set(struct screen_search *search, struct bytes text)
{
    text = bytes_first(text, sizeof(search->text));
    *search = (struct screen_search){.length = text.length};
    for (size_t i = 0; i < text.length; i++) {
        search->text[i] = (char)text.data[i];
        search->is_exact |= text.data[i] >= 'A' && text.data[i] <= 'Z';
    }
}

static bool is_at(const struct screen_search *search, const uint8_t *place)
{
    if (search->is_exact)
        return memcmp(place, search->text, search->length) == 0;
    for (size_t i = 0; i < search->length; i++)
        if (lower(place[i]) != (uint8_t)search->text[i])
            return false;
    return true;
}

/* The next byte that a match may begin with. */
static size_t skip(const struct screen_search *search, struct bytes text, size_t from)
{
    uint8_t first = (uint8_t)search->text[0];
    bool is_letter = !search->is_exact && first >= 'a' && first <= 'z';
    if (!is_letter) {
        const uint8_t *found = memchr(text.data + from, first, text.length - from);
        return found ? (size_t)(found - text.data) : text.length;
    }
    while (from < text.length && lower(text.data[from]) != first)
        from++;
    return from;
}

size_t screen_search_next(const struct screen_search *search, struct bytes text, size_t from)
{
    if (search->length == 0)
        return text.length;
    while (from < text.length && text.length - from >= search->length) {
        from = skip(search, text, from);
        if (text.length - from < search->length)
            break;
        if (is_at(search, text.data + from))
            return from;
        from++;
    }
    return text.length;
}

size_t screen_search_previous(const struct screen_search *search, struct bytes text, size_t before)
{
    if (search->length == 0 || text.length < search->length)
        return text.length;
    if (before > text.length - search->length + 1)
        before = text.length - search->length + 1;
    while (before-- > 0)
        if (is_at(search, text.data + before))
            return before;
    return text.length;
}
