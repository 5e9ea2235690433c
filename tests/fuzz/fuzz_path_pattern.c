#include "fuzz.h"

#include "policy/path_pattern.h"

#include <stdlib.h>
#include <string.h>

/* Decode every %XX once, as a lenient server would. */
static struct bytes decode(struct bytes path, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = 0;
    for (size_t i = 0; i < path.length; i++) {
        out[length] = path.data[i];
        if (path.data[i] == '%' && i + 2 < path.length) {
            const char *high = strchr(digits, path.data[i + 1] | 0x20);
            const char *low = strchr(digits, path.data[i + 2] | 0x20);
            if (path.data[i + 1] > 0x20 && path.data[i + 2] > 0x20 && high && low && *high &&
                *low) {
                out[length] = (uint8_t)((high - digits) << 4 | (low - digits));
                i += 2;
            }
        }
        length++;
    }
    return (struct bytes){out, length};
}

/* A fine path has no dot or empty segment, decoded or not, with both slashes. */
static void check_fine(struct bytes path)
{
    uint8_t *out = malloc(path.length + 1);
    CHECK(out);
    struct bytes rest = decode(path, out);
    struct bytes segment;
    bool is_first = true;
    while (bytes_next_token(&rest, '/', &segment)) {
        CHECK(!bytes_equal_text(segment, ".") && !bytes_equal_text(segment, ".."));
        CHECK(segment.length > 0 || is_first || rest.data == NULL);
        CHECK(bytes_index_of(segment, '\\') == segment.length);
        is_first = false;
    }
    free(out);
}

/* The first line is a pattern, each line after it a request target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {data, size};
    struct path_pattern pattern;
    const char *reason = NULL;
    bool is_pattern = path_pattern_parse(fuzz_take_line(&rest), &pattern, &reason);
    CHECK(is_pattern || reason);
    while (rest.length) {
        struct bytes target = fuzz_take_line(&rest);
        struct bytes path = bytes_first(target, bytes_index_of(target, '?'));
        enum path_problem problem = path_pattern_check_target(target);
        if (problem != PATH_AMBIGUOUS && path.length && path.data[0] == '/')
            check_fine(path);
        if (!is_pattern || !path_pattern_matches(&pattern, target))
            continue;
        CHECK(path.length && path.data[0] == '/');
        if (pattern.service.length)
            CHECK(bytes_end_with(path, pattern.service) ||
                  bytes_end_with(path, BYTES_LITERAL("/info/refs")));
    }
    return 0;
}
