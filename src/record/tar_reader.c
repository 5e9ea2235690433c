#include "record/tar_reader.h"

#include <string.h>

#include "base/number.h"

enum { BLOCK = 512, CHECKSUM_OFFSET = 148, CHECKSUM_LENGTH = 8 };

/* The header block, POSIX.1-2017 pax: field offsets follow from the sizes. */
struct header {
    uint8_t name[100];
    uint8_t mode[8];
    uint8_t user[8];
    uint8_t group[8];
    uint8_t size[12];
    uint8_t time[12];
    uint8_t checksum[8];
    uint8_t type;
    uint8_t link[100];
    uint8_t magic[6];
    uint8_t version[2];
    uint8_t user_name[32];
    uint8_t group_name[32];
    uint8_t device_major[8];
    uint8_t device_minor[8];
    uint8_t prefix[155];
    uint8_t padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

void tar_reader_init(struct tar_reader *reader, struct bytes archive)
{
    *reader = (struct tar_reader){.rest = archive};
    buffer_init(&reader->long_path, TAR_PATH_LIMIT);
    buffer_init(&reader->long_link, TAR_PATH_LIMIT);
}

void tar_reader_done(struct tar_reader *reader)
{
    buffer_done(&reader->long_path);
    buffer_done(&reader->long_link);
}

static enum tar_status fail(struct tar_reader *reader, const char *reason)
{
    reader->reason = reason;
    return TAR_BAD;
}

static struct bytes until_nul(const uint8_t *field, size_t size)
{
    return (struct bytes){field, strnlen((const char *)field, size)};
}

/* Octal digits, with spaces before and a space or NUL behind, or GNU's base 256. */
static bool read_number(const uint8_t *field, size_t size, uint64_t *number)
{
    uint64_t value = 0;
    if (field[0] == 0x80) {
        for (size_t i = 1; i < size; i++) {
            if (value >> 55 != 0)
                return false;
            value = value << 8 | field[i];
        }
        *number = value;
        return true;
    }
    size_t i = 0;
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field[i] - '0');
    if (i < size && field[i] != ' ' && field[i] != '\0')
        return false;
    *number = value;
    return true;
}

static bool has_right_checksum(const struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t expected;
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        bool is_checksum = i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + CHECKSUM_LENGTH;
        sum += is_checksum ? ' ' : bytes[i];
    }
    return read_number(header->checksum, sizeof(header->checksum), &expected) && sum == expected;
}

/* Records `LENGTH KEY=VALUE\n` of a pax header; only what has no room in a header counts. */
static bool read_pax(struct tar_reader *reader, struct bytes records, uint64_t *size,
                     bool *has_size)
{
    while (records.length > 0) {
        struct bytes digits = bytes_first(records, bytes_index_of(records, ' '));
        uint64_t length;
        if (!number_parse_decimal(digits, records.length, &length) || length <= digits.length + 2)
            return false;
        struct bytes record = bytes_from(bytes_first(records, (size_t)length), digits.length + 1);
        if (!bytes_end_with(record, BYTES_LITERAL("\n")))
            return false;
        record.length--;
        struct bytes key = bytes_first(record, bytes_index_of(record, '='));
        struct bytes value = bytes_from(record, key.length + 1);
        struct buffer *target = NULL;
        if (bytes_equal_text(key, "path"))
            target = &reader->long_path;
        else if (bytes_equal_text(key, "linkpath"))
            target = &reader->long_link;
        else if (bytes_equal_text(key, "size")) {
            *has_size = true;
            if (!number_parse_decimal(value, INT64_MAX, size))
                return false;
        }
        if (target != NULL) {
            buffer_clear(target);
            if (!buffer_append(target, value))
                return false;
        }
        records = bytes_from(records, (size_t)length);
    }
    return true;
}

static bool keep_long_name(struct buffer *target, struct bytes content)
{
    buffer_clear(target);
    return buffer_append(target, until_nul(content.data, content.length));
}

static bool clean_path(struct bytes *path)
{
    struct bytes clean = *path;
    while (bytes_start_with(clean, BYTES_LITERAL("./")))
        clean = bytes_from(clean, 2);
    if (bytes_equal_text(clean, "."))
        clean = BYTES_EMPTY;
    while (bytes_end_with(clean, BYTES_LITERAL("/")) && clean.length > 1)
        clean.length--;
    struct bytes rest = clean;
    struct bytes part;
    while (clean.length > 0 && bytes_next_token(&rest, '/', &part)) {
        if (part.length == 0 || bytes_equal_text(part, "..") ||
            bytes_index_of(part, '\0') != part.length)
            return false;
    }
    *path = clean;
    return true;
}

static bool read_type(uint8_t letter, enum tar_type *type)
{
    static const char letters[] = "0123456";
    const char *found = letter == '\0' ? letters : strchr(letters, letter);
    if (found == NULL || letter == '7')
        return false;
    *type = (enum tar_type)(found - letters);
    return true;
}

/* The path of a header: the long one, or the prefix and the name. */
static bool find_path(struct tar_reader *reader, const struct header *header, struct bytes *path)
{
    struct bytes prefix = until_nul(header->prefix, sizeof(header->prefix));
    bool is_posix = memcmp(header->magic, "ustar\0", 6) == 0;
    if (buffer_length(&reader->long_path) == 0) {
        bool has_room = true;
        if (is_posix && prefix.length > 0)
            has_room = buffer_append(&reader->long_path, prefix) &&
                       buffer_append_byte(&reader->long_path, '/');
        if (!has_room ||
            !buffer_append(&reader->long_path, until_nul(header->name, sizeof(header->name))))
            return false;
    }
    *path = buffer_bytes(&reader->long_path);
    return clean_path(path);
}

static enum tar_status fill(struct tar_reader *reader, const struct header *header,
                            struct bytes content, struct tar_entry *entry)
{
    uint64_t mode;
    uint64_t user;
    uint64_t group;
    struct tar_entry read = {.content = content};
    if (!read_type(header->type, &read.type))
        return fail(reader, "unknown kind of entry");
    if (!read_number(header->mode, sizeof(header->mode), &mode) ||
        !read_number(header->user, sizeof(header->user), &user) ||
        !read_number(header->group, sizeof(header->group), &group) ||
        !read_number(header->time, sizeof(header->time), &read.time_seconds) || user > UINT32_MAX ||
        group > UINT32_MAX)
        return fail(reader, "malformed number");
    read.mode = (uint32_t)mode & 07777;
    read.user = (uint32_t)user;
    read.group = (uint32_t)group;
    if (!find_path(reader, header, &read.path))
        return fail(reader, "path that leaves the folder");
    read.link = buffer_length(&reader->long_link) > 0
                    ? buffer_bytes(&reader->long_link)
                    : until_nul(header->link, sizeof(header->link));
    if (read.type == TAR_HARD_LINK && !clean_path(&read.link))
        return fail(reader, "hard link that leaves the folder");
    *entry = read;
    return TAR_ENTRY;
}

/* One header with its content off the front of the rest. */
static enum tar_status take_block(struct tar_reader *reader, const struct header **header,
                                  uint64_t pax_size, bool has_pax_size, struct bytes *content)
{
    if (reader->rest.length < BLOCK || reader->rest.data[0] == '\0')
        return reader->rest.length == 0 || reader->rest.data[0] == '\0' ? TAR_END
                                                                        : fail(reader, "cut short");
    *header = (const struct header *)reader->rest.data;
    uint64_t size;
    if (!has_right_checksum(*header))
        return fail(reader, "wrong checksum");
    if (!read_number((*header)->size, sizeof((*header)->size), &size))
        return fail(reader, "malformed size");
    uint8_t type = (*header)->type;
    if (has_pax_size && type != 'x' && type != 'g')
        size = pax_size;
    /* Links and devices have no content, whatever the size says. */
    if (type >= '1' && type <= '6')
        size = 0;
    struct bytes rest = bytes_from(reader->rest, BLOCK);
    if (size > rest.length)
        return fail(reader, "cut short");
    *content = bytes_first(rest, (size_t)size);
    size_t padded = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
    reader->rest = bytes_from(rest, padded);
    return TAR_ENTRY;
}

enum tar_status tar_reader_next(struct tar_reader *reader, struct tar_entry *entry)
{
    uint64_t pax_size = 0;
    bool has_pax_size = false;
    buffer_clear(&reader->long_path);
    buffer_clear(&reader->long_link);
    for (;;) {
        const struct header *header;
        struct bytes content;
        enum tar_status status = take_block(reader, &header, pax_size, has_pax_size, &content);
        if (status != TAR_ENTRY)
            return status;
        bool is_good = true;
        if (header->type == 'x')
            is_good = read_pax(reader, content, &pax_size, &has_pax_size);
        else if (header->type == 'L')
            is_good = keep_long_name(&reader->long_path, content);
        else if (header->type == 'K')
            is_good = keep_long_name(&reader->long_link, content);
        else if (header->type != 'g')
            return fill(reader, header, content, entry);
        if (!is_good)
            return fail(reader, "malformed extended header");
    }
}
