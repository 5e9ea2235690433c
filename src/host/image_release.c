#include "host/image_release.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_folder.h"
#include "host/image_hash.h"
#include "host/image_zstd.h"
#include "system/file.h"
#include "system/progress.h"

enum { QUIET_MS = 0, MODE = 0644 };

struct release {
    const struct image_release_options *options;
    char *partial; /* owned: OUTPUT.partial */
    struct manifest manifest;
    struct progress progress;
    uint64_t total_bytes, before_bytes; /* of all files, and of those that are done */
};

/* ---- the key ---- */

/* Signing for nobody is found out before the minutes of work, and not by the first user. */
static bool check_key(const struct image_release_options *options, struct error *error)
{
    static const struct bytes probe = BYTES_LITERAL("rootcell image release");
    uint8_t signature[IMAGE_HASH_SIGNATURE_BYTES];
    CLEANUP_FREE char *public_key = memory_format("%s/image-signing.pub", options->data);
    struct error why;
    if (!image_hash_sign(probe, options->key, signature, error))
        return false;
    return image_hash_check_signature(probe, (struct bytes){signature, sizeof(signature)},
                                      public_key, &why) ||
           error_set(error,
                     "%s is not the private half of %s, the key that users of the release check "
                     "with; put yours there: openssl pkey -in %s -pubout -out %s",
                     options->key, public_key, options->key, public_key);
}

/* ---- files ---- */

static void tell_bytes(void *context, uint64_t done)
{
    struct release *release = context;
    progress_count(&release->progress, release->before_bytes + done, release->total_bytes, true);
}

static bool make_parent(const char *path, struct error *error)
{
    CLEANUP_FREE char *folder = memory_copy_text(path);
    *strrchr(folder, '/') = '\0';
    return file_make_directories(folder, 0755, error);
}

/* Compressed beside its plain name; the plain file where that would be no gain. */
static bool add_file(struct release *release, struct manifest_file *file, struct error *error)
{
    struct manifest_download packed = {0};
    CLEANUP_FREE char *from = memory_format("%s/%s", release->options->folder, file->name);
    CLEANUP_FREE char *plain = memory_format("%s/%s", release->partial, file->name);
    CLEANUP_FREE char *path = memory_format("%s.zst", plain);
    file->download = (struct manifest_download){0};
    int length = snprintf(packed.name, sizeof(packed.name), "%s.zst", file->name);
    if (length >= (int)sizeof(packed.name))
        return error_set(error, "%s: too long a name", file->name);
    if (!make_parent(path, error) || !image_zstd_compress(from, path, tell_bytes, release, error) ||
        !image_hash_file(path, packed.sha256, &packed.size_bytes, NULL, NULL, error))
        return false;
    release->before_bytes += file->size_bytes;
    if (packed.size_bytes < file->size_bytes) {
        file->download = packed;
        return true;
    }
    unlink(path);
    return file_copy(from, plain, MODE, error);
}

static bool add_files(struct release *release, struct error *error)
{
    struct manifest *manifest = &release->manifest;
    bool is_good = true;
    for (size_t i = 0; i < manifest->file_count; i++)
        release->total_bytes += manifest->files[i].size_bytes;
    progress_begin(&release->progress, "image: compress", QUIET_MS);
    for (size_t i = 0; is_good && i < manifest->file_count; i++)
        is_good = add_file(release, &manifest->files[i], error);
    if (is_good)
        progress_end(&release->progress);
    else
        progress_abandon(&release->progress);
    return is_good;
}

/* ---- the manifest ---- */

static bool write_manifest(struct release *release, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/manifest.json", release->partial);
    CLEANUP_FREE char *signature_path = memory_format("%s.sig", path);
    uint8_t signature[IMAGE_HASH_SIGNATURE_BYTES];
    struct buffer text;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    bool is_good = manifest_encode(&release->manifest, &text, error) &&
                   image_hash_sign(buffer_bytes(&text), release->options->key, signature, error) &&
                   file_write_atomic(path, buffer_bytes(&text), MODE, error) &&
                   file_write_atomic(signature_path, (struct bytes){signature, sizeof(signature)},
                                     MODE, error);
    buffer_done(&text);
    return is_good;
}

/* ---- the whole ---- */

static bool publish(const struct release *release, struct error *error)
{
    if (rename(release->partial, release->options->output) != 0)
        return error_set_errno(error, errno, "%s", release->options->output);
    return true;
}

bool image_release_run(const struct image_release_options *options, struct error *error)
{
    struct release release = {.options = options};
    if (file_exists(options->output))
        return error_set(error, "%s is there already; name a new folder", options->output);
    if (!check_key(options, error) ||
        !image_folder_check(options->folder, options->architecture, error) ||
        !image_folder_check_hashes(options->folder, "image: hashes", error) ||
        !image_folder_read(options->folder, &release.manifest, error))
        return false;
    release.partial = memory_format("%s.partial", options->output);
    bool is_good = file_remove_tree(release.partial, error) &&
                   file_make_directories(release.partial, 0755, error) &&
                   add_files(&release, error) && write_manifest(&release, error) &&
                   publish(&release, error);
    struct error ignored;
    if (!is_good)
        file_remove_tree(release.partial, &ignored);
    manifest_done(&release.manifest);
    free(release.partial);
    return is_good || error_add_context(error, "release the image");
}
