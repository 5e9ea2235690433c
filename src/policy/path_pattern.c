#include "policy/path_pattern.h"

#include "base/number.h"

static const char *const services[] = {"git-upload-pack", "git-receive-pack", "git-upload-archive"};

static struct bytes path_of(struct bytes target)
{
    return bytes_first(target, bytes_index_of(target, '?'));
}

/* The query without its `?`; data is NULL when there is no `?`. */
static struct bytes query_of(struct bytes target)
{
    size_t mark = bytes_index_of(target, '?');
    if (mark == target.length)
        return BYTES_EMPTY;
    return (struct bytes){target.data + mark + 1, target.length - mark - 1};
}

static bool parse_service(struct bytes query, struct bytes *service, const char **reason)
{
    struct bytes value = bytes_from(query, sizeof("service=") - 1);
    if (bytes_start_with(query, BYTES_LITERAL("service="))) {
        for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
            if (bytes_equal_text(value, services[i])) {
                *service = value;
                return true;
            }
        }
    }
    *reason = "the only query in a path rule is `?service=` with git-upload-pack, "
              "git-receive-pack or git-upload-archive";
    return false;
}

static bool check_segments(struct bytes path, bool *is_rest_open, const char **reason)
{
    struct bytes rest = bytes_from(path, 1);
    struct bytes segment;
    if (rest.length == 0)
        return true;
    while (bytes_next_token(&rest, '/', &segment)) {
        if (bytes_equal_text(segment, "**")) {
            if (rest.data) {
                *reason = "`**` stands for the rest of a path: at its end only";
                return false;
            }
            *is_rest_open = true;
        } else if (bytes_index_of(segment, '*') != segment.length &&
                   !bytes_equal_text(segment, "*")) {
            *reason = "`*` stands for a whole segment of a path";
            return false;
        }
    }
    return true;
}

bool path_pattern_parse(struct bytes text, struct path_pattern *pattern, const char **reason)
{
    struct path_pattern made = {.path = path_of(text)};
    struct bytes query = query_of(text);
    if (made.path.length == 0 || made.path.data[0] != '/') {
        *reason = "a path starts with `/`";
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '#') {
            *reason = "a path has visible ASCII only, and no `#`";
            return false;
        }
    }
    if (query.data && !parse_service(query, &made.service, reason))
        return false;
    if (!check_segments(made.path, &made.is_rest_open, reason))
        return false;
    switch (path_pattern_check_target(made.path)) {
    case PATH_AMBIGUOUS:
        *reason = "no request that passes has such a path: empty or dot segments, `\\`, "
                  "%25, %2e, %5c, %00";
        return false;
    case PATH_HAS_ENCODED_SLASH:
    case PATH_FINE:
        break;
    }
    if (made.is_rest_open)
        made.path = bytes_first(made.path, made.path.length - 2);
    *pattern = made;
    return true;
}

static bool path_matches(const struct path_pattern *pattern, struct bytes path)
{
    struct bytes wanted = pattern->path;
    while (wanted.length > 0) {
        if (path.length == 0)
            return false;
        bool is_star = wanted.data[0] == '*' && (wanted.length == 1 || wanted.data[1] == '/');
        if (!is_star) {
            if (wanted.data[0] != path.data[0])
                return false;
            wanted = bytes_from(wanted, 1);
            path = bytes_from(path, 1);
            continue;
        }
        size_t segment = bytes_index_of(path, '/');
        if (segment == 0)
            return false;
        wanted = bytes_from(wanted, 1);
        path = bytes_from(path, segment);
    }
    return pattern->is_rest_open ? path.length > 0 : path.length == 0;
}

/*
 * The two requests of a git service (gitprotocol-http): the advertisement asked for by query,
 * and the service itself. Anything else below the repository is not this service, whatever its
 * query says: servers ignore the query of a POST.
 */
static bool service_matches(const struct path_pattern *pattern, struct bytes target)
{
    static const struct bytes advertisement = {(const uint8_t *)"/info/refs", 10};
    struct bytes path = path_of(target);
    struct bytes query = query_of(target);
    size_t tail;
    if (query.data) {
        tail = advertisement.length;
        if (!bytes_end_with(path, advertisement) ||
            !bytes_start_with(query, BYTES_LITERAL("service=")) ||
            !bytes_equal(bytes_from(query, sizeof("service=") - 1), pattern->service))
            return false;
    } else {
        tail = pattern->service.length + 1;
        if (path.length < tail || path.data[path.length - tail] != '/' ||
            !bytes_end_with(path, pattern->service))
            return false;
    }
    return path_matches(pattern, bytes_first(path, path.length - tail)) ||
           path_matches(pattern, path);
}

bool path_pattern_matches(const struct path_pattern *pattern, struct bytes target)
{
    if (pattern->service.length)
        return service_matches(pattern, target);
    return path_matches(pattern, path_of(target));
}

/* An escape that some decoders turn into `/`, `.` and the like by an overlong form. */
static bool is_overlong_lead(uint8_t byte, struct bytes behind)
{
    if (byte == 0xc0 || byte == 0xc1)
        return true;
    if (byte != 0xe0 && byte != 0xf0)
        return false;
    uint64_t next = 0;
    if (behind.length < 3 || behind.data[0] != '%' ||
        !number_parse_hexadecimal(bytes_first(bytes_from(behind, 1), 2), 0xff, &next))
        return true;
    return next < (byte == 0xe0 ? 0xa0 : 0x90);
}

/* Judge the escape at the start of `rest`; PATH_HAS_ENCODED_SLASH for %2f. */
static enum path_problem check_escape(struct bytes rest)
{
    uint64_t value = 0;
    if (rest.length < 3 ||
        !number_parse_hexadecimal(bytes_first(bytes_from(rest, 1), 2), 0xff, &value))
        return PATH_AMBIGUOUS;
    if (value == '/')
        return PATH_HAS_ENCODED_SLASH;
    if (value == 0 || value == '%' || value == '.' || value == '\\' ||
        is_overlong_lead((uint8_t)value, bytes_from(rest, 3)))
        return PATH_AMBIGUOUS;
    return PATH_FINE;
}

/*
 * A segment of a path that servers resolve or merge: empty, or one or two dots, also with a
 * `;` parameter behind, which some servers cut off before they resolve.
 */
static bool is_dot_segment(struct bytes segment)
{
    struct bytes name = bytes_first(segment, bytes_index_of(segment, ';'));
    return bytes_equal_text(name, ".") || bytes_equal_text(name, "..");
}

/* Length of the slash, plain or escaped, at the start of `rest`; 0 when there is none. */
static size_t slash_length(struct bytes rest)
{
    if (rest.length && rest.data[0] == '/')
        return 1;
    return rest.length >= 3 && bytes_equal_ignore_case(bytes_first(rest, 3), BYTES_LITERAL("%2f"))
               ? 3
               : 0;
}

/* Segments as they are when escaped slashes are slashes. */
static bool has_bad_segment(struct bytes path)
{
    size_t start = slash_length(path);
    size_t position = start;
    while (position <= path.length) {
        size_t slash = slash_length(bytes_from(path, position));
        if (slash == 0 && position < path.length) {
            position++;
            continue;
        }
        struct bytes segment = {path.data + start, position - start};
        bool is_final = slash == 0;
        if (is_dot_segment(segment) || (segment.length == 0 && !is_final))
            return true;
        if (is_final)
            return false;
        position += slash;
        start = position;
    }
    return false;
}

enum path_problem path_pattern_check_target(struct bytes target)
{
    struct bytes path = path_of(target);
    bool has_encoded_slash = false;
    for (size_t i = 0; i < path.length; i++) {
        uint8_t byte = path.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '\\')
            return PATH_AMBIGUOUS;
        if (byte != '%')
            continue;
        enum path_problem problem = check_escape(bytes_from(path, i));
        if (problem == PATH_AMBIGUOUS)
            return PATH_AMBIGUOUS;
        if (problem == PATH_HAS_ENCODED_SLASH)
            has_encoded_slash = true;
    }
    if (path.length && path.data[0] == '/' && has_bad_segment(path))
        return PATH_AMBIGUOUS;
    return has_encoded_slash ? PATH_HAS_ENCODED_SLASH : PATH_FINE;
}
