#include "firewall/policy_bundle.h"

#include <stdlib.h>

#include "base/memory.h"

static const char *const file_names[POLICY_KIND_COUNT] = {
    [POLICY_HTTPS] = "allowed-https.txt",
    [POLICY_SSH] = "allowed-ssh.txt",
    [POLICY_DNS] = "allowed-dns.txt",
};

bool policy_bundle_append(struct buffer *out, struct bytes name, struct bytes text)
{
    enum { PREFIX_BYTES = 6 };
    if (name.length > UINT16_MAX || text.length > UINT32_MAX ||
        buffer_room(out) < PREFIX_BYTES + name.length + text.length)
        return false;
    return buffer_append_u16(out, (uint16_t)name.length) && buffer_append(out, name) &&
           buffer_append_u32(out, (uint32_t)text.length) && buffer_append(out, text);
}

bool policy_bundle_next(struct reader *reader, struct bytes *name, struct bytes *text)
{
    if (reader_left(reader) == 0)
        return false;
    *name = reader_vector16(reader);
    *text = reader_take(reader, reader_u32(reader));
    return !reader_is_failed(reader);
}

static bool read_sources(struct bytes bundle, struct policy_sources *sources,
                         struct policy_text *groups, char **names, struct error *error)
{
    struct reader reader = reader_over(bundle);
    struct bytes name, text;
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++) {
        if (!policy_bundle_next(&reader, &name, &text) ||
            !bytes_equal_text(name, policy_kind_text((enum policy_kind)kind)))
            return error_set(error, "the policy bundle lacks %s", file_names[kind]);
        sources->files[kind] = (struct policy_text){file_names[kind], text};
    }
    while (policy_bundle_next(&reader, &name, &text)) {
        if (!policy_bundle_is_group_name(name))
            return error_set(error, "a group's name may have letters, digits, '-' and '_' only");
        if (sources->group_count == POLICY_BUNDLE_GROUPS_MAX)
            return error_set(error, "more than %d groups", POLICY_BUNDLE_GROUPS_MAX);
        names[sources->group_count] = bytes_copy_text(name);
        groups[sources->group_count] = (struct policy_text){names[sources->group_count], text};
        sources->group_count++;
    }
    return reader_is_at_end(&reader) || error_set(error, "the policy bundle is broken");
}

bool policy_bundle_compile(struct bytes bundle, struct policy **policy, struct error *error)
{
    struct policy_text groups[POLICY_BUNDLE_GROUPS_MAX];
    char *names[POLICY_BUNDLE_GROUPS_MAX] = {NULL};
    struct policy_sources sources = {.groups = groups};
    struct policy_error problem;
    bool is_good = read_sources(bundle, &sources, groups, names, error);
    if (is_good && !policy_compile(&sources, policy, &problem))
        is_good = error_set(error, "%s", problem.text);
    for (size_t i = 0; i < sources.group_count; i++)
        free(names[i]);
    return is_good;
}

bool policy_bundle_is_group_name(struct bytes name)
{
    enum { GROUP_NAME_MAX = 64 };
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.data[i];
        bool is_word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9');
        if (!is_word && (i == 0 || (byte != '-' && byte != '_')))
            return false;
    }
    return name.length > 0 && name.length <= GROUP_NAME_MAX;
}
