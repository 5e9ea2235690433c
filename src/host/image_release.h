#ifndef HOST_IMAGE_RELEASE_H
#define HOST_IMAGE_RELEASE_H

#include "base/error.h"

/**
 * `rootcell image release`: makes of an image that is there a folder that a web server can offer
 * to ROOTCELL_IMAGE_MANIFEST_URL. Each file is compressed where that makes it smaller, the manifest
 * tells of both forms, and its signature stands beside it.
 */
struct image_release_options {
    const char *folder; /* of the image, as images/x86_64 */
    const char *data;   /* data/image: its image-signing.pub is whom the users of a release trust */
    const char *architecture;
    const char *key;    /* PEM file: the private half, Ed25519; may be encrypted */
    const char *output; /* must not exist */
};

/**
 * Refused before any work: a key that is not the private half of data/image/image-signing.pub, an
 * output that exists, an image with a file that differs from its manifest. The output folder
 * appears whole or not at all.
 */
bool image_release_run(const struct image_release_options *options, struct error *error);

#endif
