#include "host/image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/image_hash.h"
#include "system/file.h"
#include "system/path_exchange.h"
#include "system/progress.h"

enum { SIGNATURE_LIMIT = 64, QUIET_MS = 0, SHORT_HASH = 12 };

/* What an image folder may hold, in the order in which it is shown. */
static const char *const file_names[] = {
    "vmlinuz",       "firewall.initramfs", "agent.initramfs",   "agent.img",
    "firewall.base", "layers/pi.img",      "groups/debian.txt", "groups/npm.txt",
};

enum { FILE_COUNT = sizeof(file_names) / sizeof(file_names[0]) };

static bool read_manifest_text(const char *folder, struct buffer *text, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/manifest.json", folder);
    if (!file_exists(path))
        return error_set(error, "%s: no image is there", folder);
    return file_read(path, text, error);
}

bool image_folder_read(const char *folder, struct manifest *manifest, struct error *error)
{
    struct buffer text;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    bool is_good = read_manifest_text(folder, &text, error);
    if (is_good && !manifest_parse(buffer_bytes(&text), manifest, error))
        is_good = error_add_context(error, "%s/manifest.json", folder);
    buffer_done(&text);
    return is_good;
}

bool image_folder_check_signature(const char *folder, const char *data,
                                  enum image_signature *signature, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/manifest.json.sig", folder);
    CLEANUP_FREE char *key = memory_format("%s/image-signing.pub", data);
    if (!file_exists(path)) {
        *signature = IMAGE_SIGNATURE_NONE;
        return true;
    }
    struct buffer text;
    struct buffer sealed;
    struct error reason;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    buffer_init(&sealed, SIGNATURE_LIMIT);
    bool is_good = read_manifest_text(folder, &text, error) && file_read(path, &sealed, error);
    if (is_good)
        *signature =
            image_hash_check_signature(buffer_bytes(&text), buffer_bytes(&sealed), key, &reason)
                ? IMAGE_SIGNATURE_GOOD
                : IMAGE_SIGNATURE_BAD;
    buffer_done(&text);
    buffer_done(&sealed);
    return is_good;
}

bool image_folder_check(const char *folder, const char *architecture, struct error *error)
{
    struct manifest manifest;
    if (!image_folder_read(folder, &manifest, error))
        return false;
    bool is_good = strcmp(manifest.architecture, architecture) == 0 ||
                   error_set(error, "%s: the image is for %s, this host is %s", folder,
                             manifest.architecture, architecture);
    for (size_t i = 0; is_good && i < manifest.file_count; i++) {
        const struct manifest_file *file = &manifest.files[i];
        CLEANUP_FREE char *path = memory_format("%s/%s", folder, file->name);
        int64_t size = file_size(path);
        if (size != (int64_t)file->size_bytes)
            is_good = error_set(error, "%s: %s", path,
                                size < 0 ? "missing" : "not of the size in manifest.json");
    }
    for (size_t i = 0; is_good && i < 4; i++) {
        if (manifest_find_file(&manifest, file_names[i]) == NULL)
            is_good = error_set(error, "%s: the manifest has no %s", folder, file_names[i]);
    }
    manifest_done(&manifest);
    return is_good;
}

bool image_folder_identify(const char *folder, char sha256[MANIFEST_HASH_SIZE], struct error *error)
{
    struct buffer text;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    bool is_good = read_manifest_text(folder, &text, error) &&
                   image_hash_bytes(buffer_bytes(&text), sha256, error);
    buffer_done(&text);
    return is_good;
}

/* ---- verify ---- */

struct count {
    struct progress *progress;
    uint64_t before, total;
};

static void tell_count(void *context, uint64_t done)
{
    struct count *count = context;
    progress_count(count->progress, count->before + done, count->total, true);
}

static const char *const signature_texts[] = {
    [IMAGE_SIGNATURE_NONE] = "not signed",
    [IMAGE_SIGNATURE_GOOD] = "good",
    [IMAGE_SIGNATURE_BAD] = "BAD",
};

static bool hash_fits(const char *folder, const struct manifest_file *file, struct count *count)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", folder, file->name);
    char sha256[MANIFEST_HASH_SIZE];
    uint64_t size_bytes;
    struct error ignored;
    bool is_read = image_hash_file(path, sha256, &size_bytes, tell_count, count, &ignored);
    count->before += file->size_bytes;
    return is_read && strcmp(sha256, file->sha256) == 0 && size_bytes == file->size_bytes;
}

/* Which of the files are what the manifest says. */
static void check_files(const char *folder, const struct manifest *manifest, const char *text,
                        bool fits[MANIFEST_FILE_LIMIT])
{
    struct progress progress = {0};
    struct count count = {.progress = &progress};
    for (size_t i = 0; i < manifest->file_count; i++)
        count.total += manifest->files[i].size_bytes;
    progress_begin(&progress, text, QUIET_MS);
    for (size_t i = 0; i < manifest->file_count; i++)
        fits[i] = hash_fits(folder, &manifest->files[i], &count);
    progress_end(&progress);
}

bool image_folder_check_hashes(const char *folder, const char *text, struct error *error)
{
    struct manifest manifest;
    bool fits[MANIFEST_FILE_LIMIT] = {false};
    if (!image_folder_read(folder, &manifest, error))
        return false;
    check_files(folder, &manifest, text, fits);
    bool is_good = true;
    for (size_t i = 0; is_good && i < manifest.file_count; i++)
        is_good = fits[i] || error_set(error, "%s/%s differs from the manifest", folder,
                                       manifest.files[i].name);
    manifest_done(&manifest);
    return is_good;
}

static size_t verify_files(const char *folder, const struct manifest *manifest)
{
    size_t wrong = 0;
    bool fits[MANIFEST_FILE_LIMIT] = {false};
    check_files(folder, manifest, "verify the image", fits);
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        CLEANUP_FREE char *path = memory_format("%s/%s", folder, file->name);
        const char *verdict = fits[i] ? "ok" : file_exists(path) ? "DIFFERS" : "MISSING";
        printf("%-20s %s %s\n", file->name, file->sha256, verdict);
        wrong += fits[i] ? 0 : 1;
    }
    return wrong;
}

bool image_folder_verify_run(const char *folder, const char *data, struct error *error)
{
    struct manifest manifest;
    enum image_signature signature;
    if (!image_folder_check_signature(folder, data, &signature, error) ||
        !image_folder_read(folder, &manifest, error))
        return false;
    size_t wrong = verify_files(folder, &manifest);
    printf("%-20s %s\n", "signature", signature_texts[signature]);
    manifest_done(&manifest);
    if (wrong > 0)
        return error_set(error, "%s: %zu of its files differ from the manifest", folder, wrong);
    return signature != IMAGE_SIGNATURE_BAD ||
           error_set(error, "%s: the signature of manifest.json does not fit", folder);
}

/* ---- list ---- */

static void list_one(const char *folder)
{
    struct manifest manifest;
    struct error error;
    char sha256[MANIFEST_HASH_SIZE] = "";
    if (!image_folder_read(folder, &manifest, &error) ||
        !image_folder_identify(folder, sha256, &error)) {
        printf("%s: %s\n", folder, error.text);
        return;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest.file_count; i++)
        bytes += manifest.files[i].size_bytes;
    printf("%.*s  %-8s  rootcell %s  %zu files, %llu MB, %zu packages  %s\n", SHORT_HASH, sha256,
           manifest.architecture, manifest.release, manifest.file_count,
           (unsigned long long)(bytes >> 20), manifest.package_count, folder);
    for (size_t i = 0; i < manifest.package_count; i++) {
        const struct manifest_package *package = &manifest.packages[i];
        if (package->origin == MANIFEST_ORIGIN_NPM)
            printf("    %s %s\n", package->name, package->version);
    }
    manifest_done(&manifest);
}

bool image_folder_list_run(const char *images, const char *chosen, struct error *error)
{
    size_t length = strlen(images);
    bool is_below = chosen != NULL && strncmp(chosen, images, length) == 0 && chosen[length] == '/';
    if (chosen != NULL && !is_below)
        list_one(chosen);
    if (!file_is_directory(images))
        return true;
    DIR *folders = opendir(images);
    if (folders == NULL)
        return error_set_errno(error, errno, "%s", images);
    struct dirent *entry;
    while ((entry = readdir(folders)) != NULL) {
        CLEANUP_FREE char *folder = memory_format("%s/%s", images, entry->d_name);
        CLEANUP_FREE char *manifest = memory_format("%s/manifest.json", folder);
        bool is_half_made = strchr(entry->d_name, '.') != NULL;
        if (!is_half_made && file_exists(manifest))
            list_one(folder);
    }
    closedir(folders);
    return true;
}

/* ---- write ---- */

static bool save_manifest(const char *folder, struct manifest *manifest, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/manifest.json", folder);
    struct buffer text;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    bool is_good = manifest_encode(manifest, &text, error) &&
                   file_write_atomic(path, buffer_bytes(&text), 0644, error);
    buffer_done(&text);
    return is_good;
}

static bool hash_file(const char *folder, struct manifest_file *file, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", folder, file->name);
    return image_hash_file(path, file->sha256, &file->size_bytes, NULL, NULL, error);
}

bool image_folder_write_manifest(const char *folder, struct manifest *manifest, struct error *error)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        CLEANUP_FREE char *path = memory_format("%s/%s", folder, file_names[i]);
        struct manifest_file file = {0};
        if (!file_exists(path))
            continue;
        snprintf(file.name, sizeof(file.name), "%s", file_names[i]);
        if (!hash_file(folder, &file, error))
            return false;
        manifest_add_file(manifest, &file);
    }
    return save_manifest(folder, manifest, error);
}

bool image_folder_update_manifest(const char *folder, struct manifest *manifest, const char *name,
                                  struct error *error)
{
    for (size_t i = 0; i < manifest->file_count; i++) {
        struct manifest_file *file = &manifest->files[i];
        if (strcmp(file->name, name) == 0 && !hash_file(folder, file, error))
            return false;
    }
    return save_manifest(folder, manifest, error);
}

bool image_folder_publish(const char *finished, const char *folder, struct error *error)
{
    CLEANUP_FREE char *old = memory_format("%s.old", folder);
    if (!file_remove_tree(old, error))
        return false;
    if (file_exists(folder) && path_exchange(finished, folder)) {
        /* A name of its own, so that nobody takes what was there for a folder that is being made.
         */
        if (rename(finished, old) != 0)
            return error_set_errno(error, errno, "%s", finished);
        return file_remove_tree(old, error);
    }
    if (file_exists(folder) && rename(folder, old) != 0)
        return error_set_errno(error, errno, "%s", folder);
    if (rename(finished, folder) != 0) {
        int number = errno;
        rename(old, folder);
        return error_set_errno(error, number, "%s", finished);
    }
    return file_remove_tree(old, error);
}
