#ifndef HOST_IMAGE_DOWNLOAD_H
#define HOST_IMAGE_DOWNLOAD_H

#include "base/error.h"

/**
 * Images made elsewhere (ROOTCELL_IMAGE_MANIFEST_URL): the manifest and its signature are fetched
 * over HTTPS and checked against the public key in `data`; then each file, zstd-compressed where
 * the manifest says so, with a bar, carrying on after a break. A file whose hash differs, or a
 * manifest that is not signed by that key or is for another architecture, is refused. The folder
 * appears whole or not at all.
 */
struct image_download_options {
    const char *manifest_url; /* https://.../manifest.json; files stand beside it */
    const char *folder;       /* of the image, as images/x86_64 */
    const char *data;         /* data/image */
    const char *architecture;
};

bool image_download_run(const struct image_download_options *options, struct error *error);

#endif
