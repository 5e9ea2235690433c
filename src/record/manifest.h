#ifndef RECORD_MANIFEST_H
#define RECORD_MANIFEST_H

#include "base/buffer.h"
#include "base/error.h"

/**
 * manifest.json of an image folder: every file with its hash and size, and the versions of what
 * is inside. The text is canonical (sorted, two spaces), so the same image has the same bytes, and
 * a signature over it covers the whole image.
 */

enum {
    MANIFEST_VERSION = 1,
    MANIFEST_HASH_SIZE = 65,  /* SHA-256 in lower-case hexadecimal, with the NUL */
    MANIFEST_NAME_SIZE = 128, /* of files and packages, with the NUL */
    MANIFEST_TEXT_SIZE = 160, /* versions and integrity, with the NUL */
    MANIFEST_FILE_LIMIT = 64,
    MANIFEST_PACKAGE_LIMIT = 4096,
    MANIFEST_BYTES_LIMIT = 1024 * 1024,
};

/** The compressed form in which a file is offered for download. */
struct manifest_download {
    char name[MANIFEST_NAME_SIZE]; /* empty: as it is, under its own name */
    char sha256[MANIFEST_HASH_SIZE];
    uint64_t size_bytes;
};

struct manifest_file {
    char name[MANIFEST_NAME_SIZE]; /* relative, at most one folder deep: `layers/pi.img` */
    char sha256[MANIFEST_HASH_SIZE];
    uint64_t size_bytes;
    struct manifest_download download;
};

enum manifest_origin { MANIFEST_ORIGIN_DEBIAN, MANIFEST_ORIGIN_NPM };

struct manifest_package {
    enum manifest_origin origin;
    char name[MANIFEST_NAME_SIZE];
    char version[MANIFEST_TEXT_SIZE];
    char integrity[MANIFEST_TEXT_SIZE]; /* npm only: `sha512-...`; else empty */
};

struct manifest {
    char architecture[32];            /* x86_64 or aarch64 */
    char release[MANIFEST_TEXT_SIZE]; /* version of rootcell that made it */
    struct manifest_file *files;      /* owned */
    size_t file_count;
    struct manifest_package *packages; /* owned */
    size_t package_count;
};

void manifest_init(struct manifest *manifest);
void manifest_done(struct manifest *manifest);

/** Append one; CHECK that the limits are kept. */
void manifest_add_file(struct manifest *manifest, const struct manifest_file *file);
void manifest_add_package(struct manifest *manifest, const struct manifest_package *package);

/** The file of that name, borrowed, or NULL. */
const struct manifest_file *manifest_find_file(const struct manifest *manifest, const char *name);

/** The canonical JSON text, appended to `out`; sorts the arrays of `manifest`. */
bool manifest_encode(struct manifest *manifest, struct buffer *out, struct error *error);

/**
 * Read a manifest, which may come from the network: unknown keys, names that leave the folder and
 * malformed hashes are refused. On success the caller owns `*manifest`.
 */
bool manifest_parse(struct bytes text, struct manifest *manifest, struct error *error);

/** A name that stays in the image folder: [A-Za-z0-9._+-] parts, no leading dot, one slash at most.
 */
bool manifest_is_file_name(struct bytes name);

#endif
