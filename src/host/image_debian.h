#ifndef HOST_IMAGE_DEBIAN_H
#define HOST_IMAGE_DEBIAN_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/image_tree.h"
#include "record/manifest.h"

/* What an image takes from Debian: apt's settings of the host, mmdebstrap, the versions. */

#define IMAGE_DEBIAN_SUITE "bookworm"

/** One mmdebstrap run, which gives a tar archive. */
struct image_debian_request {
    const char *variant;      /* of mmdebstrap */
    struct bytes packages;    /* one a line, `#` comments */
    const char *hook;         /* shell text run with the system's folder as $1, or NULL */
    const char *architecture; /* x86_64 or aarch64 */
    const char *output;       /* the tar archive; replaced */
    const char *work;         /* folder for the log and the list of sources */
    uint64_t time_seconds;    /* the latest date of any file */
    void (*on_progress)(void *context, uint64_t done, uint64_t total); /* steps of packages */
    void *context;
};

/**
 * Make the archive from the packages of the suite. Where they come from is what the host's apt is
 * set to for this suite; a host that is no Debian leaves it to mmdebstrap's own default.
 */
bool image_debian_make(const struct image_debian_request *request, struct error *error);

/**
 * Append this host's apt sources of the suite as lines of a sources.list, whatever kind of file
 * they stand in; none is fine.
 */
bool image_debian_find_sources(struct buffer *list, struct error *error);

/** Debian's name of an architecture (amd64, arm64). */
const char *image_debian_architecture(const char *architecture);

/**
 * From the system's own apt sources: the list with https addresses for the guest, and the policy
 * group that lets the guest's apt work.
 */
bool image_debian_read_sources(const struct image_tree *system, struct buffer *list,
                               struct buffer *group, struct error *error);

/** Add the versions of dpkg's installed packages in this tree to the manifest. */
bool image_debian_list_packages(const struct image_tree *system, struct manifest *manifest,
                                struct error *error);

#endif
