#include "firewall/policy_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "firewall/policy_bundle.h"
#include "system/file.h"

static const char group_suffix[] = ".txt";

static bool append_file(const char *path, const char *shown, struct bytes name,
                        struct buffer *bundle, struct error *error)
{
    struct buffer text;
    buffer_init(&text, POLICY_FILE_BYTES_MAX);
    bool is_good = file_read(path, &text, error);
    if (is_good && !policy_bundle_append(bundle, name, buffer_bytes(&text)))
        is_good = error_set(error, "%s: the policy is too long", shown);
    buffer_done(&text);
    return is_good;
}

/* The bare name of a group's file, empty when the entry is none. */
static struct bytes group_name(const char *entry)
{
    struct bytes name = bytes_from_text(entry);
    if (!bytes_end_with(name, bytes_from_text(group_suffix)))
        return BYTES_EMPTY;
    name = bytes_first(name, name.length - strlen(group_suffix));
    return policy_bundle_is_group_name(name) ? name : BYTES_EMPTY;
}

static int is_group_file(const struct dirent *entry)
{
    return group_name(entry->d_name).length > 0;
}

static bool append_groups(const char *folder, struct buffer *bundle, struct error *error)
{
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    struct dirent **entries = NULL;
    int count = scandir(groups, &entries, is_group_file, alphasort);
    if (count < 0)
        return errno == ENOENT || error_set_errno(error, errno, "%s", groups);
    bool is_good = true;
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = memory_format("%s/%s", groups, entries[i]->d_name);
        is_good = is_good && append_file(path, path, group_name(entries[i]->d_name), bundle, error);
        free(entries[i]);
    }
    free(entries);
    return is_good;
}

static char *list_path(const char *folder, enum policy_kind kind)
{
    return memory_format("%s/allowed-%s.txt", folder, policy_kind_text(kind));
}

bool policy_folder_read(const char *folder, struct buffer *bundle, struct error *error)
{
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++) {
        CLEANUP_FREE char *path = list_path(folder, (enum policy_kind)kind);
        struct bytes name = bytes_from_text(policy_kind_text((enum policy_kind)kind));
        if (!append_file(path, path, name, bundle, error))
            return false;
    }
    return append_groups(folder, bundle, error);
}

static bool is_in_bundle(struct bytes bundle, struct bytes wanted)
{
    struct reader reader = reader_over(bundle);
    struct bytes name, text;
    for (int i = 0; policy_bundle_next(&reader, &name, &text); i++)
        if (i >= POLICY_KIND_COUNT && bytes_equal(name, wanted))
            return true;
    return false;
}

static void delete_other_groups(const char *groups, struct bytes bundle)
{
    struct dirent **entries = NULL;
    int count = scandir(groups, &entries, is_group_file, NULL);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = memory_format("%s/%s", groups, entries[i]->d_name);
        if (!is_in_bundle(bundle, group_name(entries[i]->d_name)))
            unlink(path);
        free(entries[i]);
    }
    free(entries);
}

/* Most reloads change one file: the others need no write, and no wait for the disk. */
static bool is_stored(const char *path, struct bytes text)
{
    struct buffer stored;
    struct error ignored;
    buffer_init(&stored, POLICY_FILE_BYTES_MAX);
    bool is_same = file_read(path, &stored, &ignored) && bytes_equal(buffer_bytes(&stored), text);
    buffer_done(&stored);
    return is_same;
}

bool policy_folder_write(const char *folder, struct bytes bundle, struct error *error)
{
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    if (!file_make_directories(groups, 0700, error))
        return false;
    struct reader reader = reader_over(bundle);
    struct bytes name, text;
    for (int i = 0; policy_bundle_next(&reader, &name, &text); i++) {
        CLEANUP_FREE char *bare = bytes_copy_text(name);
        CLEANUP_FREE char *path = i < POLICY_KIND_COUNT
                                      ? list_path(folder, (enum policy_kind)i)
                                      : memory_format("%s/%s%s", groups, bare, group_suffix);
        if (!is_stored(path, text) && !file_write_atomic(path, text, 0600, error))
            return false;
    }
    delete_other_groups(groups, bundle);
    return true;
}
