#include "host/policy_files.h"

#include "base/memory.h"
#include "record/json_fields.h"
#include "system/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *policy_files_name(enum policy_kind kind)
{
    static const char *const names[POLICY_KIND_COUNT] = {
        [POLICY_HTTPS] = "allowed-https.txt",
        [POLICY_SSH] = "allowed-ssh.txt",
        [POLICY_DNS] = "allowed-dns.txt",
    };
    return names[kind];
}

void policy_files_done(struct policy_files *files)
{
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
        buffer_done(&files->texts[kind]);
    for (size_t i = 0; i < files->group_count; i++)
        buffer_done(&files->groups[i]);
    files->group_count = 0;
}

/* NAME.txt with a NAME that fits; anything else in the folder is somebody's own business. */
static bool take_group_name(const char *file, char name[POLICY_FILES_NAME_SIZE])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(file);
    if (length <= 4 || length - 4 >= POLICY_FILES_NAME_SIZE ||
        strcmp(file + length - 4, ".txt") != 0 || strspn(file, alphabet) != length - 4)
        return false;
    snprintf(name, POLICY_FILES_NAME_SIZE, "%.*s", (int)(length - 4), file);
    return true;
}

static bool read_group(const char *folder, const char *file, struct policy_files *files,
                       struct error *error)
{
    char name[POLICY_FILES_NAME_SIZE];
    if (!take_group_name(file, name))
        return true;
    if (files->group_count == POLICY_FILES_GROUP_LIMIT)
        return error_set(error, "%s: more than %d groups", folder, POLICY_FILES_GROUP_LIMIT);
    CLEANUP_FREE char *path = memory_format("%s/%s", folder, file);
    size_t index = files->group_count++;
    snprintf(files->group_names[index], POLICY_FILES_NAME_SIZE, "%s", name);
    buffer_init(&files->groups[index], POLICY_FILE_BYTES_MAX);
    return file_read(path, &files->groups[index], error);
}

static bool read_groups(const char *folder, struct policy_files *files, struct error *error)
{
    DIR *groups = opendir(folder);
    if (groups == NULL)
        return errno == ENOENT || error_set_errno(error, errno, "%s", folder);
    bool is_read = true;
    for (struct dirent *entry; is_read && (entry = readdir(groups)) != NULL;)
        is_read = read_group(folder, entry->d_name, files, error);
    closedir(groups);
    return is_read;
}

bool policy_files_read(const char *folder, struct policy_files *files, struct error *error)
{
    *files = (struct policy_files){0};
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
        buffer_init(&files->texts[kind], POLICY_FILE_BYTES_MAX);
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    bool is_read = read_groups(groups, files, error);
    for (int kind = 0; is_read && kind < POLICY_KIND_COUNT; kind++) {
        CLEANUP_FREE char *path =
            memory_format("%s/%s", folder, policy_files_name((enum policy_kind)kind));
        is_read = file_read(path, &files->texts[kind], error);
    }
    if (!is_read)
        policy_files_done(files);
    return is_read;
}

bool policy_files_compile(const struct policy_files *files, const char *folder,
                          struct policy **policy, struct error *error)
{
    struct policy_text *groups = memory_new_array(POLICY_FILES_GROUP_LIMIT, sizeof(*groups));
    struct policy_sources sources = {.groups = groups, .group_count = files->group_count};
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
        sources.files[kind] = (struct policy_text){policy_files_name((enum policy_kind)kind),
                                                   buffer_bytes(&files->texts[kind])};
    for (size_t i = 0; i < files->group_count; i++)
        groups[i] = (struct policy_text){files->group_names[i], buffer_bytes(&files->groups[i])};
    struct policy_error *why = memory_new(sizeof(*why));
    bool is_compiled = policy_compile(&sources, policy, why);
    if (!is_compiled)
        error_set(error, "%s/%s", folder, why->text);
    free(why);
    free(groups);
    return is_compiled;
}

static bool set_text(json_t *object, const char *key, const struct buffer *text)
{
    struct bytes bytes = buffer_bytes(text);
    json_t *value =
        json_stringn(bytes.length ? (const char *)bytes.data : "", bytes.length); /* UTF-8 only */
    return value && json_object_set_new(object, key, value) == 0;
}

bool policy_files_encode(const struct policy_files *files, struct buffer *out, struct error *error)
{
    json_t *root = json_object();
    json_t *groups = json_object();
    bool is_whole = true;
    for (int kind = 0; is_whole && kind < POLICY_KIND_COUNT; kind++)
        is_whole = set_text(root, policy_kind_text((enum policy_kind)kind), &files->texts[kind]);
    for (size_t i = 0; is_whole && i < files->group_count; i++)
        is_whole = set_text(groups, files->group_names[i], &files->groups[i]);
    is_whole = json_object_set_new(root, "groups", groups) == 0 && is_whole;
    bool is_done = is_whole ? json_fields_dump(root, out, error)
                            : error_set(error, "a policy file is not UTF-8");
    json_decref(root);
    return is_done;
}

bool policy_files_archive(const struct policy_files *files, struct cpio_archive *archive,
                          const char *path, struct error *error)
{
    CLEANUP_FREE char *group_folder = memory_format("%s/groups", path);
    bool is_added = cpio_archive_add_directory(archive, path, 0755) &&
                    cpio_archive_add_directory(archive, group_folder, 0755);
    for (int kind = 0; is_added && kind < POLICY_KIND_COUNT; kind++) {
        CLEANUP_FREE char *name =
            memory_format("%s/%s", path, policy_files_name((enum policy_kind)kind));
        is_added = cpio_archive_add_file(archive, name, 0644, buffer_bytes(&files->texts[kind]));
    }
    for (size_t i = 0; is_added && i < files->group_count; i++) {
        CLEANUP_FREE char *name = memory_format("%s/%s.txt", group_folder, files->group_names[i]);
        is_added = cpio_archive_add_file(archive, name, 0644, buffer_bytes(&files->groups[i]));
    }
    return is_added || error_set(error, "the policy is too large");
}

static bool install_group(const char *from_folder, const char *to_folder, const char *file,
                          struct error *error)
{
    char name[POLICY_FILES_NAME_SIZE];
    if (!take_group_name(file, name))
        return true;
    CLEANUP_FREE char *from = memory_format("%s/%s", from_folder, file);
    CLEANUP_FREE char *to = memory_format("%s/%s", to_folder, file);
    return file_copy(from, to, 0600, error);
}

bool policy_files_install_groups(const char *groups, const char *folder, struct error *error)
{
    CLEANUP_FREE char *to = memory_format("%s/groups", folder);
    if (!file_make_directories(to, 0700, error))
        return false;
    DIR *from = opendir(groups);
    if (from == NULL)
        return errno == ENOENT || error_set_errno(error, errno, "%s", groups);
    bool is_done = true;
    for (struct dirent *entry; is_done && (entry = readdir(from)) != NULL;)
        is_done = install_group(groups, to, entry->d_name, error);
    closedir(from);
    return is_done;
}
