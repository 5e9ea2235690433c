#include "system/host_routes.h"

#include "base/number.h"
#include "system/file.h"

#include <arpa/inet.h>

enum { ROUTES_CAP = 4 << 20, COLUMN_DESTINATION = 1, COLUMN_MASK = 7 };

/* The n-th run between spaces and tabs. */
static struct bytes column_of(struct bytes line, int wanted)
{
    size_t position = 0;
    for (int column = 0;; column++) {
        while (position < line.length &&
               (line.data[position] == '\t' || line.data[position] == ' '))
            position++;
        size_t start = position;
        while (position < line.length && line.data[position] != '\t' && line.data[position] != ' ')
            position++;
        if (start == position)
            return BYTES_EMPTY;
        if (column == wanted)
            return (struct bytes){line.data + start, position - start};
    }
}

void host_routes_parse(struct bytes text, host_routes_visit *visit, void *context)
{
    struct bytes line;
    while (bytes_next_token(&text, '\n', &line)) {
        uint64_t destination, mask;
        /* The kernel prints the addresses as they lie in memory, in network order. */
        if (!number_parse_hexadecimal(column_of(line, COLUMN_DESTINATION), 0xffffffff,
                                      &destination) ||
            !number_parse_hexadecimal(column_of(line, COLUMN_MASK), 0xffffffff, &mask))
            continue;
        uint32_t prefix = (uint32_t)__builtin_popcount((uint32_t)mask);
        visit(context, ntohl((uint32_t)destination), prefix);
    }
}

bool host_routes_read(host_routes_visit *visit, void *context, struct error *error)
{
    struct buffer text;
    buffer_init(&text, ROUTES_CAP);
    bool is_read = file_read("/proc/net/route", &text, error);
    if (is_read)
        host_routes_parse(buffer_bytes(&text), visit, context);
    buffer_done(&text);
    return is_read;
}
